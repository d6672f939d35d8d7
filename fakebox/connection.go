package fakebox

import (
	"errors"
	"fmt"
	"time"
)

// errUnreachable is the error of a client that is offline, or whose server is stopped.
var errUnreachable = errors.New("the server cannot be reached")

// SetOnline connects the person's machine to the network, or disconnects it. SyftBox
// keeps running on a machine that is offline: sending a modified file fails, which
// counts towards [MaxErrors], and so does each full synchronisation. When the machine
// is online again, the client reconnects after [ReconnectDelay] to [MaxReconnectDelay],
// and the next full synchronisation carries what was missed. A replica is online when
// it joins. SyftBox does not start on a machine that is offline.
func (r *Replica) SetOnline(online bool) {
	r.mu.Lock()
	changed := r.offline == online
	r.offline = !online
	r.mu.Unlock()
	if !changed {
		return
	}
	op := OpOnline
	if !online {
		op = OpOffline
		r.disconnect()
	}
	r.box.record(Event{Actor: r.actor(), Op: op})
}

// StopServer stops SyftBox's server until [Box.StartServer]. The clients' fast messages
// and full synchronisations fail, and the messages that the server has not handled yet
// are lost: a full synchronisation then deletes these files at their senders. The
// server's store survives. StopServer returns an error if the server does not run; an
// error fails the test that [New] was given.
func (b *Box) StopServer() error {
	s := b.hub.setSession(nil)
	if s == nil {
		return b.failed(errors.New("fakebox: stop the server: it does not run"))
	}
	s.end()
	b.record(Event{Actor: Hub, Op: OpStop})
	for _, r := range b.members() {
		r.disconnect()
	}
	return nil
}

// StartServer starts SyftBox's server again. The clients reconnect by themselves, at
// intervals that grow from [ReconnectDelay] to [MaxReconnectDelay]. StartServer returns
// an error if the server runs, or the network is closed; an error fails the test that
// [New] was given.
func (b *Box) StartServer() error {
	if err := b.startServer(); err != nil {
		return b.failed(fmt.Errorf("fakebox: start the server: %w", err))
	}
	b.record(Event{Actor: Hub, Op: OpStart})
	return nil
}

func (b *Box) startServer() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return errors.New("the network is closed")
	}
	if b.hub.current() != nil {
		return errors.New("it runs already")
	}
	b.hub.setSession(newSession(b.session.ctx, b.clock))
	return nil
}

// reach returns an error if the server cannot be reached from this machine.
func (r *Replica) reach() error {
	r.mu.Lock()
	offline := r.offline
	r.mu.Unlock()
	if offline || r.box.hub.current().over() {
		return errUnreachable
	}
	return nil
}

// connect opens the connection for the fast path.
func (r *Replica) connect() error {
	if err := r.reach(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.connected = true
	return nil
}

// isConnected reports whether the fast path works just now.
func (r *Replica) isConnected() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.connected
}

// disconnect breaks the connection, if there is one. The client opens it again.
func (r *Replica) disconnect() {
	r.mu.Lock()
	connected, s := r.connected, r.session
	r.connected = false
	r.mu.Unlock()
	if connected {
		s.spawn(func() { r.reconnect(s) })
	}
}

// reconnect tries to connect until it succeeds, or the session ends.
func (r *Replica) reconnect(s *session) {
	delay := ReconnectDelay
	for s.wait(r.box.scaled(delay)) {
		if r.connect() == nil {
			return
		}
		delay = min(2*delay, MaxReconnectDelay)
		// Three to five quarters of it.
		delay += delay / 4 * time.Duration(int64(r.box.draw("reconnect "+r.Email)%9)-4) / 4
	}
}
