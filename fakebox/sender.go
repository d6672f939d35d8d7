package fakebox

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"time"
)

// A sender sends modified requests and responses by the fast path. It debounces them,
// and keeps the order in which applications modified them, however late this machine
// runs.
type sender struct {
	sim     *simulation
	email   string
	process *process
	tree    *tree
	states  *fileStates
	conn    *connection

	turn sync.Mutex // held by flush, so that files are sent in order

	mu      sync.Mutex     // guards the fields below
	waiting []modification // in order
	last    map[string]int // number of the last modification, by key
	count   int
	latest  time.Time // time of the last modification
}

// A modification is a change of a file's content.
type modification struct {
	key    string
	number int
	at     time.Time // when the application modified the file
	due    time.Time // when the client sends it, unless another modification follows
}

// reset forgets all modifications, for a client that starts.
func (s *sender) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting, s.last, s.count, s.latest = nil, map[string]int{}, 0, time.Time{}
}

// modified handles a modification of a request or response. The watch calls it, in order,
// also for the client's own writes.
func (s *sender) modified(key string, at time.Time) {
	if Ignores(key) || s.states.isArriving(key) {
		return
	}
	info, err := s.tree.lstat(key)
	if err != nil || info.Size() > MaxFastSize {
		return // left to the full sync
	}
	data, err := s.tree.readFile(key)
	if err != nil || s.states.syncedEtag(key) == etagOf(data) {
		return // written by the client, or unchanged
	}
	event := Event{
		Time: at, Actor: appActor(s.email), Op: OpWrite, Path: key, Size: len(data), Etag: etagOf(data),
		Fault: s.sim.chance.decide(atNotice, key),
	}
	s.sim.journal.record(event)
	if event.Fault == Late {
		return
	}
	due := s.hold(key, at)
	s.process.current().at(due, s.flush)
}

// hold adds a modification to those that wait, and returns when it is due.
func (s *sender) hold(key string, at time.Time) (due time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.Before(s.latest) {
		at = s.latest
	}
	s.latest = at
	s.count++
	due = s.sim.clock.now().Add(s.sim.scaled(Debounce))
	s.last[key] = s.count
	s.waiting = append(s.waiting, modification{key: key, number: s.count, at: at, due: due})
	return due
}

// flush sends the files that are due.
func (s *sender) flush() {
	s.turn.Lock()
	defer s.turn.Unlock()
	for {
		m, last, ok := s.takeDue()
		if !ok {
			return
		}
		if last && !s.states.takeIgnored(m.key) {
			s.send(m.key, m.at)
		}
	}
}

// takeDue removes and returns the first modification, if it is due, and whether it is the
// last one of its file.
func (s *sender) takeDue() (m modification, last, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 || s.waiting[0].due.After(s.sim.clock.now()) {
		return modification{}, false, false
	}
	m = s.waiting[0]
	s.waiting = s.waiting[1:]
	if last = s.last[m.key] == m.number; last {
		delete(s.last, m.key)
	}
	return m, last, true
}

// errNotConnected is the error of sending a message without a connection.
var errNotConnected = errors.New("not connected")

// send sends a file if the fast path can carry it. The client considers it delivered once
// it is sent: nothing acknowledges it.
func (s *sender) send(key string, modified time.Time) {
	info, err := s.tree.lstat(key)
	if err != nil || info.Size() > MaxFastSize {
		return // left to the full sync
	}
	s.states.setSyncing(key)
	data, err := s.tree.readFile(key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.states.setCompleted(key)
		return
	case err != nil:
		s.states.setError(key, ViaFast, err)
		return
	}
	etag := etagOf(data)
	if s.states.syncedEtag(key) == etag {
		s.states.setCompleted(key) // the same bytes were sent more than JournalDelay ago
		return
	}
	if !s.conn.connected() {
		s.states.setError(key, ViaFast, errNotConnected)
		return
	}
	fault := s.sim.chance.decide(atSend, key)
	event := Event{Actor: boxActor(s.email), Op: OpSend, Path: key, Size: len(data), Etag: etag, Via: ViaFast}
	s.sim.journal.record(event)
	s.process.current().after(s.sim.scaled(JournalDelay), func() {
		s.states.setSynced(key, etag)
		s.states.setCompleted(key)
	})
	event.Actor, event.Op, event.Via = Hub, OpLose, ""
	if fault == DeadZone || messageSize(key, len(data)) > MaxMessageSize {
		event.Fault = DeadZone
		s.sim.journal.record(event)
		s.conn.disconnect()
		return
	}
	served, ok := s.conn.enqueue(modified.Add(s.sim.scaled(Debounce)))
	if !ok || fault == BurstLoss {
		event.Fault = BurstLoss
		s.sim.journal.record(event)
		return
	}
	if fault == Reorder {
		served = served.Add(s.sim.scaled(time.Duration(s.sim.chance.draw(key) % uint64(time.Second))))
	}
	s.conn.hub.accept(message{from: s.email, key: key, data: data, refused: func() {
		s.process.current().spawn(func() { s.reject(key) })
	}}, served)
}

// reject marks a file that the server refused. As in SyftBox, the file still counts as
// synced when JournalDelay has passed.
func (s *sender) reject(key string) {
	s.states.setSyncing(key)
	if err := s.tree.mark(key, rejectedMarker, OpReject, ViaFast, ""); err != nil {
		s.states.setError(key, ViaFast, err)
		return
	}
	s.states.setCompleted(key)
}

// messageSize returns the size of the message that carries a file.
func messageSize(key string, size int) int {
	return messageOverhead + len(strings.ToValidUTF8(key, "")) + base64.StdEncoding.EncodedLen(size)
}
