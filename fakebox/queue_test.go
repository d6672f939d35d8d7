package fakebox

import (
	"testing"
	"time"
)

func TestQueueDropsOverflow(t *testing.T) {
	for _, test := range []struct {
		count, lost int
		gap         time.Duration
	}{
		{8, 0, 0}, {12, 0, 0}, {20, 1, 0}, {40, 9, 0}, {100, 35, 0}, // measured: 0, 1, 1, 8, 35
		{100, 0, 5 * time.Millisecond}, {60, 0, 20 * time.Millisecond}, // measured: 0, 0
	} {
		q := queue{slots: QueueLength, send: SendTime, serve: ServeTime}
		start, lost := time.Unix(1, 0), 0
		var last time.Time
		for i := range test.count {
			served, ok := q.arrive(start.Add(time.Duration(i) * test.gap))
			if !ok {
				lost++
			} else if !served.After(last) {
				t.Errorf("message %d of %d is served at %v, not after the previous one at %v", i, test.count, served, last)
			} else {
				last = served
			}
		}
		if lost != test.lost {
			t.Errorf("%d messages %v apart: lost %d, want %d", test.count, test.gap, lost, test.lost)
		}
	}
}
