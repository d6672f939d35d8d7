package fakebox

import (
	"fmt"
	"os"
	"path"
	"testing"
	"time"
)

// What is lost depends on when files were modified, not on when this machine reports the
// modifications.
func TestQueueUsesModificationTimes(t *testing.T) {
	for _, test := range []struct {
		gap  time.Duration
		lost int
	}{{0, 35}, {5 * time.Millisecond, 0}} {
		box, clock := NewOnClock(t, Config{})
		bob := box.Join("bob@example.com")
		if err := box.Start(); err != nil {
			t.Fatal(err)
		}
		const count = 100
		start := clock.Now().Add(-time.Second)
		for i := range count {
			// In a new folder, which is not watched yet, so that only this test reports it.
			key := fmt.Sprintf("bob@example.com/new/%d.request", i)
			if err := os.MkdirAll(path.Dir(bob.Path(key)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(bob.Path(key), []byte("x"), 0o644); err != nil {
				t.Fatal(err)
			}
			bob.daemon.sender.modified(key, start.Add(time.Duration(i)*test.gap))
		}
		clock.Advance(time.Second)
		lost, sent := 0, 0
		for _, e := range box.Events() {
			switch e.Op {
			case OpLose:
				lost++
			case OpSend:
				sent++
			}
		}
		if lost != test.lost || sent != count {
			t.Errorf("%v apart: lost %d of %d, want %d of %d", test.gap, lost, sent, test.lost, count)
		}
	}
}
