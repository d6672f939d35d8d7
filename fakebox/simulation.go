package fakebox

import (
	"math"
	"sync/atomic"
	"time"
)

// A simulation holds what all parts of a network share.
type simulation struct {
	clock   *clock
	chance  *chance
	journal *journal
	speed   atomic.Uint64 // the bits of the number that divides every duration of SyftBox
}

func (s *simulation) currentSpeed() float64  { return math.Float64frombits(s.speed.Load()) }
func (s *simulation) setSpeed(speed float64) { s.speed.Store(math.Float64bits(speed)) }

// scaled converts a duration of SyftBox to one of this network.
func (s *simulation) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.currentSpeed())
}

// boxActor and appActor return the names that the journal uses for a person's client
// and for the applications beside it.
func boxActor(email string) string { return email + "/box" }
func appActor(email string) string { return email + "/app" }
