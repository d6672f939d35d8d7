package engine

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// Typical limits of a server.
const (
	concurrency = 64
	reserve     = 1024
)

// A trial is a dispatcher whose requests run until they are released.
type trial struct {
	*dispatcher
	mu      sync.Mutex
	begun   []string
	holding map[string]chan struct{} // by request
}

// newTrial returns a trial whose requests first take some bytes of the budget.
func newTrial(limits limits, size func(w *work) int64) *trial {
	tr := &trial{holding: map[string]chan struct{}{}}
	tr.dispatcher = newDispatcher(limits, func(w *work) {
		if need := size(w); need > 0 && w.bytes == 0 && !tr.takeBytes(w, need) {
			return
		}
		name := w.entry.String()
		hold := make(chan struct{})
		tr.mu.Lock()
		tr.begun = append(tr.begun, name)
		tr.holding[name] = hold
		tr.mu.Unlock()
		<-hold
	}, ignore, nil, slog.New(slog.DiscardHandler))
	return tr
}

func small(*work) int64 { return 0 }

// runs reports whether a request of a sender runs.
func (tr *trial) runs(sender string, n int) bool {
	synctest.Wait()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.holding[requestOf(sender, n).entry.String()] != nil
}

// release ends one request.
func (tr *trial) release(sender string, n int) {
	synctest.Wait()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	name := requestOf(sender, n).entry.String()
	close(tr.holding[name])
	delete(tr.holding, name)
}

// end releases all requests until the queue is empty.
func (tr *trial) end() {
	for {
		synctest.Wait()
		tr.mu.Lock()
		for name, hold := range tr.holding {
			close(hold)
			delete(tr.holding, name)
		}
		tr.mu.Unlock()
		if l := tr.load(); l.running == 0 && l.waiting == 0 {
			break
		}
	}
	<-tr.stop()
}

// Whatever senders with slow handlers do, the request of a sender with nothing in flight
// starts at once.
func TestSlowSendersDelayNobody(t *testing.T) {
	for _, slow := range []int{2, 10, 1000} {
		t.Run(fmt.Sprint(slow), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := newTrial(limits{atOnce: concurrency, reserve: reserve}, small)
				for n := range 2 + 70/slow {
					for s := range slow {
						tr.add(requestOf(fmt.Sprint("slow", s), n))
					}
				}
				synctest.Wait()
				before := tr.load()
				if want := max(concurrency, slow); before.running != want {
					t.Errorf("%d run, want %d", before.running, want)
				}
				tr.add(requestOf("honest", 0))
				tr.add(requestOf("honest", 1))
				if !tr.runs("honest", 0) || tr.runs("honest", 1) {
					t.Error("the first request of a sender does not run, or the second does")
				}
				if l := tr.load(); l.running != before.running+1 || l.reserved != l.running-concurrency {
					t.Errorf("%+v after %+v", l, before)
				}
				tr.release("honest", 0)
				if !tr.runs("honest", 1) {
					t.Error("the second request does not follow the first")
				}
				tr.end()
			})
		})
	}
}

// Free slots go to senders in turns, first to those that have none.
func TestDispatcherReassignsFreeSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial(limits{atOnce: 4, reserve: 2}, small)
		for n := range 3 {
			for s := range 7 {
				tr.add(requestOf(fmt.Sprint("s", s), n))
			}
		}
		// Two places of s0, say, would be taken by others: all six have one.
		for s := range 6 {
			if !tr.runs(fmt.Sprint("s", s), 0) {
				t.Errorf("s%d has no slot", s)
			}
		}
		if l := tr.load(); l.running != 6 || l.reserved != 2 || tr.runs("s6", 0) {
			t.Errorf("%+v", l)
		}
		tr.release("s0", 0)
		if !tr.runs("s6", 0) && !tr.runs("s0", 1) {
			t.Error("free slot not used")
		}
		tr.end()
		if len(tr.begun) != 21 || len(tr.senders) != 0 {
			t.Errorf("%d were begun, %d senders are left", len(tr.begun), len(tr.senders))
		}
	})
}

// Without a reserve Concurrency is a hard limit.
func TestConcurrencyIsHardLimitWithoutReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial(limits{atOnce: 3}, small)
		for s := range 5 {
			tr.add(requestOf(fmt.Sprint("s", s), 0))
		}
		if tr.runs("s3", 0) || tr.load().running != 3 {
			t.Errorf("%+v", tr.load())
		}
		tr.end()
	})
}

// Large requests run as far as the budget allows; a request that waits for bytes takes no
// slot, and delays no small request.
func TestLargeRequestsShareTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial(limits{atOnce: 4, reserve: 1, bytes: 64}, func(w *work) int64 {
			if w.location.sender == "small" {
				return 0
			}
			return 8 // holds 16
		})
		for n := range 6 {
			tr.add(requestOf("a", n))
		}
		if !tr.runs("a", 1) || tr.runs("a", 2) {
			t.Error("a has more or less than half of the budget")
		}
		for n := range 2 {
			tr.add(requestOf("b", n))
			tr.add(requestOf("c", n))
		}
		synctest.Wait()
		if l := tr.load(); l.bytes != 64 || l.running != 4 || l.waiting != 6 {
			t.Errorf("%+v", l)
		}
		tr.add(requestOf("small", 0))
		if !tr.runs("small", 0) {
			t.Error("a small request waits")
		}
		tr.release("small", 0)
		tr.release("a", 0)
		if synctest.Wait(); tr.load().bytes != 64 {
			t.Errorf("free bytes not used: %+v", tr.load())
		}
		tr.end()
		if l := tr.load(); l.bytes != 0 || len(tr.senders) != 0 || len(tr.begun) != 11 {
			t.Errorf("%+v, %d senders, begun: %v", l, len(tr.senders), tr.begun)
		}
	})
}

// A request that is larger than the budget runs alone.
func TestRequestLargerThanTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial(limits{atOnce: 4, bytes: 64}, func(w *work) int64 {
			if w.location.sender == "huge" {
				return rootfs.Unlimited
			}
			return 1
		})
		tr.add(requestOf("a", 0))
		synctest.Wait()
		tr.add(requestOf("huge", 0))
		if tr.runs("huge", 0) {
			t.Error("it runs beside another")
		}
		tr.release("a", 0)
		if !tr.runs("huge", 0) {
			t.Error("it does not run alone")
		}
		tr.add(requestOf("a", 1))
		if tr.runs("a", 1) {
			t.Error("another runs beside it")
		}
		tr.end()
	})
}

// A thousand senders that fill the queue leave room for the request of another one, and the
// queue is bounded for any number of senders.
func TestQueueIsBoundedForManySenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial(limits{atOnce: 1}, small)
		for n := range 100 {
			for s := range 1000 {
				tr.add(requestOf(fmt.Sprint("s", s), n))
			}
		}
		if !tr.add(requestOf("late", 0)) {
			t.Error("there is no room for a late sender")
		}
		for s := range 2 * maxQueued {
			tr.add(requestOf(fmt.Sprint("more", s), 0))
		}
		if l := tr.load(); l.waiting != 2*maxQueued {
			t.Errorf("%d wait, want %d", l.waiting, 2*maxQueued)
		}
		idle := tr.stop()
		synctest.Wait()
		for _, hold := range tr.holding {
			close(hold)
		}
		<-idle
	})
}

// The slots of handlers that time out are taken until they return.
func TestSlotOfOverdueHandlerStaysTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int32
		handler := make(chan struct{})
		d := newDispatcher(limits{atOnce: 1}, func(w *work) { w.handler = handler }, func(work) { ended.Add(1) }, nil, slog.New(slog.DiscardHandler))
		d.add(requestOf("a", 0))
		time.Sleep(time.Hour)
		if l := d.load(); l.running != 1 || ended.Load() != 1 {
			t.Errorf("%+v, %d ended", l, ended.Load())
		}
		close(handler)
		synctest.Wait()
		if l := d.load(); l.running != 0 {
			t.Errorf("%+v", l)
		}
		<-d.stop()
	})
}
