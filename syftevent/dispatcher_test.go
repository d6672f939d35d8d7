package syftevent

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// What has ended during a look may have been listed before it was answered.
func TestDispatcherDoesNotTakeTwiceInOneLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		d := newDispatcher(1, func(work) { runs++ }, nil, slog.New(slog.DiscardHandler))
		w := work{entry: entry{Dir: ".", Stem: "x"}}
		d.beginLook()
		if !d.add(w) {
			t.Error("a new request was not taken")
		}
		synctest.Wait()
		if d.add(w) {
			t.Error("what has ended during the look was taken again")
		}
		d.beginLook()
		if !d.add(w) {
			t.Error("what is still there at the next look was not taken")
		}
		synctest.Wait()
		<-d.stop()
		if d.add(work{entry: entry{Dir: ".", Stem: "y"}}) || runs != 2 {
			t.Errorf("taken after the stop, or %d runs instead of 2", runs)
		}
	})
}

// requestOf is the nth request of a sender.
func requestOf(sender string, n int) work {
	return work{entry: entry{Dir: sender, Stem: fmt.Sprint(n)}, location: location{sender: sender}}
}

// One who sends many requests keeps nobody else waiting, and never has more than
// half of the goroutines.
func TestDispatcherLetsSendersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		running, most := 0, 0 // of the one who sends many
		d := newDispatcher(4, func(w work) {
			many := w.location.sender == "many"
			mu.Lock()
			order = append(order, w.entry.String())
			if many {
				running++
				most = max(most, running)
			}
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			if many {
				running--
			}
			mu.Unlock()
		}, nil, slog.New(slog.DiscardHandler))
		for n := range 100 {
			d.add(requestOf("many", n))
		}
		for n := range 2 {
			d.add(requestOf("few", n))
		}
		d.add(requestOf("one", 0))
		time.Sleep(1500 * time.Millisecond)
		mu.Lock()
		for _, other := range []string{"few/0", "few/1", "one/0"} {
			if !slices.Contains(order, other) {
				t.Errorf("%s waits behind the many: %v", other, order)
			}
		}
		mu.Unlock()
		time.Sleep(100 * time.Second)
		if running, waiting := d.load(); running != 0 || waiting != 0 || len(order) != 103 {
			t.Errorf("%d run, %d wait, %d were started", running, waiting, len(order))
		}
		if most != 2 {
			t.Errorf("%d of the many ran at once, want 2 of 4", most)
		}
		<-d.stop()
	})
}
