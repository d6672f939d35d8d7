package engine

import (
	"testing"
	"time"
)

// The claims of a day of requests stay about as many as those of a few minutes, also where each
// call takes long.
func TestSweepsKeepUp(t *testing.T) {
	const (
		rate     = 50 // requests a second, whose files stay for a minute
		perClaim = 2 * time.Millisecond
		stays    = time.Minute
	)
	var now time.Duration
	claims, removed := 0, 0
	var looked time.Duration // the last sweep; what was missing for sweptAfter then is removed next
	made := func(at time.Duration) int { return max(0, int(at.Seconds()*rate)) }
	most := 0
	for now < 24*time.Hour {
		claims = made(now) - removed
		most = max(most, claims)
		missing := made(now-stays) - removed
		took := time.Duration(claims) * perClaim
		removable := made(looked-stays) - removed
		if now-looked < sweptAfter {
			removable = made(now-stays-2*sweptAfter) - removed
		}
		removed += max(0, removable)
		looked = now
		now += took + sweepWait(sweepPause, took, claims, max(0, missing))
	}
	if limit := 20 * 60 * rate; most > limit {
		t.Errorf("%d claims, want at most those of 20 minutes, %d", most, limit)
	}
}

func TestSweepsThatFindNothingAreRare(t *testing.T) {
	if got := sweepWait(time.Minute, time.Minute, 100_000, 100); got != sweepCost*time.Minute {
		t.Errorf("the next sweep after %v", got)
	}
	if got := sweepWait(time.Minute, time.Millisecond, 0, 0); got != time.Minute {
		t.Errorf("the next sweep after %v", got)
	}
}

// A server that has resigned may be about to become the leader at the same time.
func TestDutiesDoNotStartAfterResigning(t *testing.T) {
	w := &workers{server: New(Options{Concurrency: 1})}
	w.resigned.Store(true)
	w.startDuties()
	if w.duties.cancel != nil {
		t.Error("duties were started")
	}
}
