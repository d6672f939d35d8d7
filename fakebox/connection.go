package fakebox

import (
	"errors"
	"sync"
	"time"
)

// A connection is the WebSocket connection of one client to the server. It carries the
// fast path. The client reconnects by itself when it breaks.
type connection struct {
	sim     *simulation
	hub     *hub
	email   string
	receive func(key string, data []byte) // handles a file from the server

	mu                 sync.Mutex // guards the fields below
	offline            bool       // the machine has no network
	session            *session   // of the client; nil while disconnected
	outgoing, incoming queue
}

// errUnreachable is the error of a client that is offline, or whose server is stopped.
var errUnreachable = errors.New("server unreachable")

// reset empties the queues for a client that starts.
func (c *connection) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = nil
	c.outgoing = queue{slots: QueueLength, send: c.sim.scaled(SendTime), serve: c.sim.scaled(ServeTime)}
	c.incoming = queue{slots: ReceiveQueueLength, serve: c.sim.scaled(SendTime)}
}

// reach returns an error if this machine cannot reach the server.
func (c *connection) reach() error {
	c.mu.Lock()
	offline := c.offline
	c.mu.Unlock()
	if offline || c.hub.down() {
		return errUnreachable
	}
	return nil
}

// connect opens the connection, for the session of a client.
func (c *connection) connect(s *session) error {
	if err := c.reach(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = s
	return nil
}

func (c *connection) connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session != nil
}

// disconnect breaks the connection, if there is one, and lets the client reconnect.
func (c *connection) disconnect() {
	if s := c.close(); s != nil {
		s.spawn(func() { c.reconnect(s) })
	}
}

// close closes the connection. It returns the session that was connected, or nil.
func (c *connection) close() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.session
	c.session = nil
	return s
}

// reconnect tries to connect until it succeeds or the session ends.
func (c *connection) reconnect(s *session) {
	delay := ReconnectDelay
	for s.wait(c.sim.scaled(delay)) {
		if c.connect(s) == nil {
			return
		}
		delay = min(2*delay, MaxReconnectDelay)
		// Jitter: 75 % to 125 %.
		delay += delay / 4 * time.Duration(int64(c.sim.chance.draw("reconnect "+c.email)%9)-4) / 4
	}
}

// setOnline connects the machine to the network, or disconnects it.
func (c *connection) setOnline(online bool) {
	c.mu.Lock()
	changed := c.offline == online
	c.offline = !online
	c.mu.Unlock()
	if !changed {
		return
	}
	op := OpOnline
	if !online {
		op = OpOffline
		c.disconnect()
	}
	c.sim.journal.record(Event{Actor: boxActor(c.email), Op: op})
}

// enqueue puts a message that was ready at the given time into the server's queue for
// this client. It returns when the server handles it, or false if the queue is full.
func (c *connection) enqueue(ready time.Time) (served time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outgoing.arrive(ready)
}

// push sends a file to the client. Files that its queue cannot hold are lost.
func (c *connection) push(key string, data []byte, at time.Time) {
	c.mu.Lock()
	s := c.session
	if s == nil {
		c.mu.Unlock()
		return
	}
	served, ok := c.incoming.arrive(at)
	c.mu.Unlock()
	if !ok {
		c.sim.journal.record(Event{Actor: Hub, Op: OpLose, Path: key, Note: "queue of " + c.email + " is full"})
		return
	}
	s.at(served, func() {
		if c.connected() {
			c.receive(key, data)
		}
	})
}
