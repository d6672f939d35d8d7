package fakebox

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The keys are the states of a file here, on the server, and in the record of synced files: a
// letter is a content, "-" a missing file, and 0 an empty one.
func TestReconcile(t *testing.T) {
	for states, want := range map[string]string{
		"a - -": "upload", "- a -": "download", "a a a": "", "a a -": "conflict", "a b -": "conflict",
		"b a a": "upload", "a b a": "download", "b c a": "conflict", "b b a": "conflict",
		"- a a": "delete", "- b a": "download", "a - a": "removal", "b - a": "upload",
		"- - a": "cleanup", "- - -": "",
		"0 a a": "", "0 a b": "", "0 - a": "", "0 a -": "", "0 - -": "",
	} {
		var known [3]map[string]string
		for i, state := range strings.Fields(states) {
			known[i] = map[string]string{}
			switch state {
			case "0":
				known[i]["key"] = ""
			case "-":
			default:
				known[i]["key"] = state
			}
		}
		for _, skip := range []bool{false, true} {
			ops := reconcile(known[0], known[1], known[2], func(string) bool { return skip })
			var got []string
			for name, keys := range map[string][]string{
				"upload": ops.uploads, "download": ops.downloads, "delete": ops.deletes,
				"removal": ops.removals, "conflict": ops.conflicts, "cleanup": ops.cleanups,
			} {
				for range keys {
					got = append(got, name)
				}
			}
			if skip && len(got) > 0 {
				t.Errorf("%s: skipped file has operations %v", states, got)
			}
			if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" && !skip {
				t.Errorf("%s (-want +got):\n%s", states, diff)
			}
		}
	}
}

// A cycle later the server's version comes back.
func TestDroppedRecordCausesConflict(t *testing.T) {
	box, clock := NewOnClock(t, Config{})
	bob := box.Join("bob@example.com")
	if err := box.Start(); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if err := bob.Deliver(fmt.Sprintf("%d.request", i), []byte("x"), Delivery{}); err != nil {
			t.Fatal(err)
		}
	}
	// Simulate a full sync that listed the files before this one arrived, and read the
	// record after that.
	const key = "bob@example.com/1.request"
	bob.daemon.syncer.carryOut(reconcile(nil, nil, map[string]string{key: "x"}, bob.daemon.states.isSkipped), nil, nil)
	clock.Advance(3 * CycleTime)
	var got []string
	for _, e := range box.Events() {
		if e.Path == key {
			got = append(got, string(e.Op)+" "+e.Via)
		}
	}
	if diff := cmp.Diff([]string{"arrive fast", "conflict full-sync", "arrive full-sync"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
