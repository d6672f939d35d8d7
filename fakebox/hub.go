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

// accept relays a message at the given time, unless the server stops before.
func (h *hub) accept(m message, at time.Time) {
	h.process.current().at(at, func() { h.relay(m, at) })
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
		err := h.store.put(m.from, m.key, m.data)
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
