package known

import (
	"strings"
	"testing"
)

func TestReasonsAreTheSameInEachRun(t *testing.T) {
	for text, want := range map[string]string{
		"":               "failed",
		"a\n  b":         "a b",
		"status 500":     "status 500",
		"body hex 80 81": "body hex 80 81",
		"echo/client@example.com/3d060e39-29f2-4a2b-9780-7e1480ca8f05.response: none":   "echo/ADDRESS/ID.response: none",
		`url "syft://a+b.s7@ex-ample.org/app_data/My-App-3/rpc/echo"`:                   `url "syft://ADDRESS/app_data/APP/rpc/echo"`,
		"3D060E3929F24A2B97807E1480CA8F05 was run twice":                                "ID was run twice",
		`open "/var/tmp/syftevent-conformance-1234567/script-a/x": denied`:              `open "DIR/script-a/x": denied`,
		`"created":"2026-11-23T11:55:00.102391+00:00","expires":"2099-01-01T00:00:00Z"`: `"created":"TIME","expires":"TIME"`,
	} {
		if got := reason(text); got != want {
			t.Errorf("reason(%q) = %q, want %q", text, got, want)
		}
	}
	if got := reason(strings.Repeat("ä", 300)); len(got) > mostReason+len("…") || !strings.HasSuffix(got, "ä…") {
		t.Errorf("a long reason becomes %d bytes: %q", len(got), got)
	}
}
