package fakebox

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// StopServer stops SyftBox's server until [Box.StartServer]. Fast-path messages and full
// syncs of all clients fail. Messages that the server has not handled yet are lost: a
// full sync then deletes their files at the sender. The server's store survives.
// StopServer returns an error if the server is not running; an error fails the test
// passed to [New].
func (b *Box) StopServer() error {
	if !b.hub.process.end() {
		return b.failed(errors.New("fakebox: stop server: not running"))
	}
	for _, m := range b.hub.takeQueued() {
		b.hub.lose(m)
	}
	b.sim.journal.record(Event{Actor: Hub, Op: OpStop})
	for _, c := range b.hub.allConnections() {
		c.disconnect()
	}
	return nil
}

// StartServer starts SyftBox's server again. The clients reconnect by themselves, after
// delays that grow from [ReconnectDelay] to [MaxReconnectDelay]. StartServer returns an
// error if the server is running or the network is closed; an error fails the test
// passed to [New].
func (b *Box) StartServer() error {
	if err := b.startServer(); err != nil {
		return b.failed(fmt.Errorf("fakebox: start server: %w", err))
	}
	b.sim.journal.record(Event{Actor: Hub, Op: OpStart})
	return nil
}

func (b *Box) startServer() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return errClosed
	}
	if b.hub.process.running() {
		return errRunning
	}
	b.hub.process.begin()
	return nil
}

// SetViewLatency changes [Config.ViewLatency] from the next full sync on. A negative
// latency means no delay.
func (b *Box) SetViewLatency(d time.Duration) { b.hub.setViewLatency(d) }

// FailNext injects a fault into the next n files that it can strike or, for [Offline],
// into the next n full syncs of any replica. Calls add up. FailNext returns an error if
// the fault is unknown or n is less than 1; an error fails the test passed to [New].
func (b *Box) FailNext(fault Fault, n int) error {
	return b.failed(b.sim.chance.failNext(fault, "", n))
}

// FailNextRequests is like [Box.FailNext], but the fault strikes only requests. It returns an
// error for [Offline], which strikes no files.
func (b *Box) FailNextRequests(fault Fault, n int) error {
	return b.failed(b.sim.chance.failNext(fault, ".request", n))
}

// FailNextResponses is like [Box.FailNext], but the fault strikes only responses. It returns
// an error if the fault strikes no responses.
func (b *Box) FailNextResponses(fault Fault, n int) error {
	return b.failed(b.sim.chance.failNext(fault, ".response", n))
}

// Heal ends all faults: no more are injected, and every replica is online. Files that
// are due to come back do so with the next cycles. What a fault has already done to a
// file stays.
func (b *Box) Heal() {
	b.sim.chance.heal()
	for _, r := range b.members() {
		r.SetOnline(true)
	}
}

// Events returns the journal: all events so far, in the order in which they were
// recorded, except those that [Box.TakeEvents] has returned.
func (b *Box) Events() []Event { return b.sim.journal.all() }

// TakeEvents returns the events that [Box.Events] would return, and removes them from the
// journal, which otherwise keeps every event until the network is closed.
func (b *Box) TakeEvents() []Event { return b.sim.journal.take() }

// Gateway returns the HTTP interface of SyftBox's server, /api/v1/send/msg and
// /api/v1/send/poll, by which callers without SyftBox send requests. The network must be
// started. While the server is stopped, every call gets status 503. As in SyftBox, the
// sender is not authenticated.
func (b *Box) Gateway() http.Handler {
	return (&gateway{sim: b.sim, hub: b.hub}).handler()
}
