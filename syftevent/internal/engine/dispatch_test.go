package engine

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func ignore(work) {}

// A full queue refuses requests, but not the first ones of a sender.
func TestDispatcherBoundsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		d := newDispatcher(limits{atOnce: 1}, func(*work) { <-block }, ignore, nil, slog.New(slog.DiscardHandler))
		fill := func(sender string) int {
			for n := 0; ; n++ {
				if !d.add(requestOf(sender, n)) {
					return n
				}
			}
		}
		if n := fill("first"); n != maxQueuedOf+1 { // one of them runs
			t.Errorf("%d taken of the first sender, want %d", n, maxQueuedOf+1)
		}
		for n := range maxQueued/maxQueuedOf - 1 {
			fill(fmt.Sprint("other", n))
		}
		if waiting := d.load().waiting; waiting != maxQueued {
			t.Errorf("%d wait, want %d", waiting, maxQueued)
		}
		if n := fill("late"); n != minQueuedOf {
			t.Errorf("%d taken of a late sender, want %d", n, minQueuedOf)
		}
		idle := d.stop()
		close(block)
		<-idle
		if d.add(requestOf("first", 0)) {
			t.Error("taken after the stop")
		}
	})
}

// requestOf is the nth request of a sender.
func requestOf(sender string, n int) work {
	return work{entry: entry{Dir: sender, Stem: fmt.Sprint(n)}, location: location{sender: sender}}
}

// A sender with many requests delays nobody else, and never has more than half of the
// goroutines.
func TestDispatcherLetsSendersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		running, most := 0, 0 // of the one who sends many
		d := newDispatcher(limits{atOnce: 4}, func(w *work) {
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
		}, ignore, nil, slog.New(slog.DiscardHandler))
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
		if l := d.load(); l.running != 0 || l.waiting != 0 || len(order) != 103 {
			t.Errorf("%+v, %d were started", l, len(order))
		}
		if most != 2 {
			t.Errorf("%d of the many ran at once, want 2 of 4", most)
		}
		<-d.stop()
	})
}

// Quick requests of half of the budget do not starve another sender's large request, and
// that does not delay small requests once it has started.
func TestDispatcherGivesBytesInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 8 << 20
		var d *dispatcher
		begun := map[string]int{}
		var mu sync.Mutex
		d = newDispatcher(limits{atOnce: 64, reserve: 1024, bytes: 64 << 20}, func(w *work) {
			need := int64(size)
			if w.location.sender == "honest" {
				need *= 2
			}
			if w.bytes == 0 && !d.takeBytes(w, need) {
				return
			}
			mu.Lock()
			begun[w.location.sender]++
			mu.Unlock()
			time.Sleep(time.Duration(len(w.entry.Stem)) * time.Millisecond)
		}, ignore, nil, slog.New(slog.DiscardHandler))
		const requests = 2000
		for n := range requests {
			d.add(requestOf("a", n))
			d.add(requestOf("b", n))
		}
		time.Sleep(10 * time.Millisecond)
		d.add(requestOf("honest", 0))
		d.add(requestOf("second", 0))
		time.Sleep(20 * time.Millisecond)
		mu.Lock()
		if begun["honest"] != 1 || begun["second"] != 1 {
			t.Errorf("begun: %v", begun)
		}
		mu.Unlock()
		time.Sleep(time.Hour)
		mu.Lock()
		defer mu.Unlock()
		if begun["a"] != requests || begun["b"] != requests {
			t.Errorf("begun at the end: %v", begun)
		}
		if l := d.load(); l.bytes != 0 || l.waiting != 0 || d.starved != nil {
			t.Errorf("left: %+v, starved %v", l, d.starved)
		}
		<-d.stop()
	})
}
