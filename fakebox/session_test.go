package fakebox

import (
	"strings"
	"testing"
	"time"
)

// On a machine that is late, what follows from a step has its place among the other steps
// that are late. A pause begins when the machine gets there.
func TestStepsOfALateMachineKeepTheirOrder(t *testing.T) {
	clock := newClock()
	network := newSession(t.Context(), clock)
	defer network.end()
	var order []string
	done := make(chan struct{})
	note := func(what string) { order = append(order, what) }
	begun := time.Now().Add(-time.Minute) // when the steps were due
	network.at(begun, func() {
		note("relay")
		network.after(time.Second, func() { note("store") })
		network.spawn(func() {
			if network.spend(2 * time.Second) {
				note("removal")
			}
			if network.wait(time.Millisecond) {
				note("next cycle")
				close(done)
			}
		})
	})
	network.at(begun.Add(30*time.Second), func() { note("list") })
	clock.start(network.ctx, network.background)
	<-done
	if got, want := strings.Join(order, ", "), "relay, store, removal, list, next cycle"; got != want {
		t.Errorf("order: %s; want %s", got, want)
	}
}
