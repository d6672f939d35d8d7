package wire

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestMessageIDMatchesPythonPackage(t *testing.T) {
	var vectors []struct{ Canonical, ID string }
	if err := json.Unmarshal(vector(t, "message-ids.json"), &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != 6 {
		t.Fatalf("%d vectors, want 6", len(vectors))
	}
	for _, v := range vectors {
		r, err := DecodeRequest([]byte(v.Canonical))
		if err != nil {
			t.Fatalf("%s: %v", v.Canonical, err)
		}
		got := MessageID(r)
		// One vector has unsorted headers. MessageID always sorts them, because a map
		// has no order.
		if strings.Contains(v.Canonical, `{"X-B":"2","X-A":"1"}`) {
			if got == v.ID {
				t.Errorf("unsorted headers: id %s, want one that differs from the Python package's", got)
			}
			continue
		}
		if got != v.ID {
			t.Errorf("%s: id %s, want %s", v.Canonical, got, v.ID)
		}
	}
}

func TestCanonicalID(t *testing.T) {
	const want = "3d060e39-29f2-4a2b-9780-7e1480ca8f05"
	for _, id := range []string{want, strings.ToUpper(want), strings.ReplaceAll(want, "-", ""), "urn:uuid:" + want} {
		if got := CanonicalID(id); got != want {
			t.Errorf("CanonicalID(%q) = %q, want %q", id, got, want)
		}
	}
	for _, id := range []string{"", "request_123", "3d060e39-29f2-4a2b-9780-7e1480ca8f0", "HELLO"} {
		if got := CanonicalID(id); got != id {
			t.Errorf("CanonicalID(%q) = %q, want it unchanged", id, got)
		}
	}
}

func TestCanonicalIDKeepsLongID(t *testing.T) {
	id := strings.Repeat("A", maxText)
	if n := testing.AllocsPerRun(20, func() { CanonicalID(id) }); n > 0 || CanonicalID(id) != id {
		t.Errorf("CanonicalID of %d bytes: %v allocations, or the id was changed", len(id), n)
	}
}
