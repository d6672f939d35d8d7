package fakebox

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

// A hub is SyftBox's server: the store, and the relay of fast-path messages.
type hub struct {
	sim     *simulation
	process *process
	store   *store

	mu          sync.Mutex    // guards the fields below
	connections []*connection // of all clients, sorted by address
	latency     time.Duration // of the list of files, see Config.ViewLatency
	queued      []*message    // not handled yet, in the order of their arrival
}

// A message carries one file over the fast path.
type message struct {
	from    string // address of the sender
	key     string
	data    []byte
	refused func() // called if the sender may not write the file
}

func newHub(sim *simulation, network *session, latency time.Duration) *hub {
	h := &hub{sim: sim, process: newProcess(network), store: newStore(), latency: latency}
	h.process.begin()
	return h
}

// down reports whether the server is stopped.
func (h *hub) down() bool { return h.process.current().over() }

func (h *hub) addConnection(c *connection) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.connections = append(h.connections, c)
	slices.SortFunc(h.connections, func(a, b *connection) int { return strings.Compare(a.email, b.email) })
}

func (h *hub) allConnections() []*connection {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.connections)
}

func (h *hub) viewLatency() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.latency
}

func (h *hub) setViewLatency(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.latency = max(d, 0)
}

// accept relays a message at the given time. If the server stops before, the message is
// lost.
func (h *hub) accept(m message, at time.Time) {
	h.mu.Lock()
	h.queued = append(h.queued, &m)
	h.mu.Unlock()
	if s := h.process.current(); s != nil {
		s.at(at, func() {
			if h.dequeue(&m) {
				h.relay(m, at)
			}
		})
	} else if h.dequeue(&m) {
		h.lose(&m) // the server stopped while the client sent it
	}
}

// dequeue removes a message from the queue. It returns false if [Box.StopServer] was faster.
func (h *hub) dequeue(m *message) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.Index(h.queued, m)
	if i < 0 {
		return false
	}
	h.queued = slices.Delete(h.queued, i, i+1)
	return true
}

// takeQueued empties the queue of a server that has stopped.
func (h *hub) takeQueued() []*message {
	h.mu.Lock()
	defer h.mu.Unlock()
	queued := h.queued
	h.queued = nil
	return queued
}

// lose records that a message was lost because the server stopped.
func (h *hub) lose(m *message) {
	h.sim.journal.record(Event{Actor: Hub, Op: OpLose, Path: m.key, Size: len(m.data), Etag: etagOf(m.data), Note: "server stopped"})
}

// relay passes a message on, or tells its sender that it is refused. Storing the file
// takes longer than passing it on.
func (h *hub) relay(m message, at time.Time) {
	refusal := Event{Actor: Hub, Op: OpRefuse, Path: m.key, Size: len(m.data), Via: ViaFast}
	if !h.store.may(m.from, m.key, true) {
		refusal.Note = errDenied.Error()
		h.sim.journal.record(refusal)
		m.refused()
		return
	}
	h.process.current().after(h.sim.scaled(StoreTime), func() {
		err := h.store.put(m.from, m.key, m.data, nil)
		switch {
		case errors.Is(err, errDenied) || errors.Is(err, errRefused):
			// All readers have the file by now.
			refusal.Note = err.Error()
			h.sim.journal.record(refusal)
		case err != nil:
			h.sim.journal.trouble(Hub, m.key, err)
		}
	})
	h.broadcast(m.from, m.key, m.data, at)
}

// broadcast pushes a file to every connected client that may read it, except the
// sender's.
func (h *hub) broadcast(from, key string, data []byte, at time.Time) {
	for _, c := range h.allConnections() {
		if c.email != from && h.store.may(c.email, key, false) {
			c.push(key, data, at)
		}
	}
}
