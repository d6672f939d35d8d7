package fakebox

import "time"

// A simulation holds what all parts of a network share.
type simulation struct {
	clock   *clock
	chance  *chance
	journal *journal
	speed   float64 // divides every duration of SyftBox
}

// scaled converts a duration of SyftBox to one of this network.
func (s *simulation) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.speed)
}

// boxActor and appActor return the names that the journal uses for a person's client
// and for the applications beside it.
func boxActor(email string) string { return email + "/box" }
func appActor(email string) string { return email + "/app" }
