package fakebox

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What SyftBox does for each state of a file: here, on the server, and when both were
// last the same. A dash is a file that is not there, 0 one that is empty.
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
		for _, leaveAlone := range []bool{false, true} {
			ops := reconcile(known[0], known[1], known[2], func(string) bool { return leaveAlone })
			var got []string
			for name, keys := range map[string][]string{
				"upload": ops.uploads, "download": ops.downloads, "delete": ops.deletes,
				"removal": ops.removals, "conflict": ops.conflicts, "cleanup": ops.cleanups,
			} {
				for range keys {
					got = append(got, name)
				}
			}
			if leaveAlone && len(got) > 0 {
				t.Errorf("%s: %v, though it is left alone", states, got)
			}
			if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" && !leaveAlone {
				t.Errorf("%s (-want +got):\n%s", states, diff)
			}
		}
	}
}

// A record that is dropped while the file is there makes a conflict of it, and the
// server's comes back a cycle later.
func TestDroppedRecordMakesAConflict(t *testing.T) {
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
	// As of a full synchronisation that has asked and looked before the file came, and
	// reads the record after it: neither here nor there, but recorded.
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
