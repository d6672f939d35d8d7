package fakebox

import (
	"fmt"
	"os"
	"path"
	"testing"
	"time"
)

// Files that were modified 5 ms apart are not lost though this machine notices them all
// at once; files that were modified at once are, though it notices them one by one.
func TestQueueGoesByWhenFilesWereModified(t *testing.T) {
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
			// In a new folder, which is not watched yet.
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
			t.Errorf("%v apart: %d of %d lost, want %d of %d", test.gap, lost, sent, test.lost, count)
		}
	}
}
