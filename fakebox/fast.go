package fakebox

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// A debounce holds modifications for [Debounce]. It keeps their order, however late this
// machine is: files are sent in the order in which they were modified.
type debounce struct {
	turn    sync.Mutex // held while modifications are taken from waiting, and sent
	waiting []modification
	last    map[string]int // by path: the number of the last modification
	count   int
	latest  time.Time
}

// A modification is one of a file's content.
type modification struct {
	key    string
	number int
	at     time.Time // when the application made it
	due    time.Time // when it is sent, unless another follows
}

// noticed is told of each modification of a message file: of its content, by
// whoever writes, not of its name or times. It is called by the watch, in the order
// of the modifications.
func (r *Replica) noticed(key string, at time.Time) {
	if isIgnored(key) || r.isArriving(key) {
		return
	}
	info, err := r.root.Lstat(path.Join("datasites", key))
	if err != nil || info.Size() > MaxFastSize {
		return // the full synchronisation's
	}
	data, err := r.readFile(key)
	if err != nil || r.syncedEtag(key) == etagOf(data) {
		return // the client's own doing, or the same bytes again
	}
	event := Event{Time: at, Actor: r.app(), Op: OpWrite, Path: key, Size: len(data), Etag: etagOf(data), Fault: r.box.decide(atNotice, key)}
	r.box.record(event)
	if event.Fault == Late {
		return
	}
	d := &r.debounce
	r.mu.Lock()
	if at.Before(d.latest) {
		at = d.latest
	}
	d.latest = at
	d.count++
	m := modification{key: key, number: d.count, at: at, due: r.box.clock.now().Add(r.box.scaled(Debounce))}
	d.last[key] = m.number
	d.waiting = append(d.waiting, m)
	s := r.session
	r.mu.Unlock()
	s.at(m.due, r.flush)
}

// flush sends what has waited for long enough, in order.
func (r *Replica) flush() {
	d := &r.debounce
	d.turn.Lock()
	defer d.turn.Unlock()
	for {
		r.mu.Lock()
		if len(d.waiting) == 0 || d.waiting[0].due.After(r.box.clock.now()) {
			r.mu.Unlock()
			return
		}
		m := d.waiting[0]
		d.waiting = d.waiting[1:]
		last := d.last[m.key] == m.number
		if last {
			delete(d.last, m.key)
		}
		r.mu.Unlock()
		if last && !r.isIgnoredOnce(m.key) {
			r.send(m.key, m.at)
		}
	}
}

// errNotConnected is what becomes of a fast message without a connection.
var errNotConnected = errors.New("not connected")

// send sends a file by the fast path, unless it is not for it. Whatever becomes of
// the message once it is sent, its sender believes that it has arrived.
func (r *Replica) send(key string, modified time.Time) {
	b := r.box
	info, err := r.root.Lstat(path.Join("datasites", key))
	if err != nil || info.Size() > MaxFastSize {
		return // the full synchronisation's
	}
	r.setSyncing(key)
	data, err := r.readFile(key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.setCompleted(key)
		return
	case err != nil:
		r.setError(key, ViaFast, err)
		return
	}
	etag := etagOf(data)
	if r.syncedEtag(key) == etag {
		r.setCompleted(key) // sent more than a second ago, and the same
		return
	}
	if !r.isConnected() {
		r.setError(key, ViaFast, errNotConnected)
		return
	}
	fault := b.decide(atSend, key)
	event := Event{Actor: r.actor(), Op: OpSend, Path: key, Size: len(data), Etag: etag, Via: ViaFast}
	b.record(event)
	event.Actor, event.Op, event.Via = Hub, OpLose, ""
	r.current().after(b.scaled(JournalDelay), func() {
		r.setSynced(key, etag)
		r.setCompleted(key)
	})
	if fault == DeadZone || messageSize(key, len(data)) > MaxMessageSize {
		event.Fault = DeadZone
		b.record(event)
		r.disconnect()
		return
	}
	r.mu.Lock()
	served, ok := r.outgoing.arrive(modified.Add(b.scaled(Debounce)))
	r.mu.Unlock()
	if !ok || fault == BurstLoss {
		event.Fault = BurstLoss
		b.record(event)
		return
	}
	if fault == Reorder {
		served = served.Add(b.scaled(time.Duration(b.draw(key) % uint64(time.Second))))
	}
	b.hub.current().at(served, func() { r.pass(key, data, served) })
}

// pass is the server that takes a message of this replica and passes it on, or
// refuses it and says so. It keeps the file in its store at the same time, which
// takes longer.
func (r *Replica) pass(key string, data []byte, at time.Time) {
	b := r.box
	event := Event{Actor: Hub, Op: OpRefuse, Path: key, Size: len(data), Via: ViaFast}
	if !b.hub.may(r.Email, key, true) {
		event.Note = errDenied.Error()
		b.record(event)
		r.current().spawn(func() { r.reject(key) })
		return
	}
	b.hub.current().after(b.scaled(StoreTime), func() {
		err := b.hub.put(r.Email, key, data)
		switch {
		case errors.Is(err, errDenied) || errors.Is(err, errRefused):
			// It has told everybody by the time when it refuses to keep the file.
			event.Note = err.Error()
			b.record(event)
		case err != nil:
			b.trouble(Hub, key, err)
		}
	})
	b.broadcast(r.Email, key, data, at)
}

// reject is the client that learns that a file that it has sent was refused. It
// still takes it for synchronised a second after it has sent it.
func (r *Replica) reject(key string) {
	r.setSyncing(key)
	if err := r.mark(key, rejectedMarker, OpReject, ViaFast, ""); err != nil {
		r.setError(key, ViaFast, err)
		return
	}
	r.setCompleted(key)
}

// broadcast sends a file to all who may read it, but for whom it is from.
func (b *Box) broadcast(from, key string, data []byte, at time.Time) {
	for _, r := range b.members() {
		if r.Email == from || !r.isConnected() || !b.hub.may(r.Email, key, false) {
			continue
		}
		r.mu.Lock()
		served, ok := r.incoming.arrive(at)
		s := r.session
		r.mu.Unlock()
		if !ok {
			b.record(Event{Actor: Hub, Op: OpLose, Path: key, Note: "for " + r.Email + ", who is busy"})
			continue
		}
		s.at(served, func() { r.receive(key, data) })
	}
}

// receive puts a file that came by the fast path into its place.
func (r *Replica) receive(key string, data []byte) {
	if !r.isConnected() {
		return
	}
	if err := r.arrive(key, data, etagOf(data), Delivery{Mode: WebSocket}, ViaFast); err != nil {
		r.setError(key, ViaFast, err)
	}
}

// members returns the replicas of all who have joined, in the order of their
// addresses.
func (b *Box) members() []*Replica {
	b.mu.Lock()
	defer b.mu.Unlock()
	members := make([]*Replica, 0, len(b.replicas))
	for _, r := range b.replicas {
		members = append(members, r)
	}
	slices.SortFunc(members, func(a, b *Replica) int { return strings.Compare(a.Email, b.Email) })
	return members
}

// messageSize is the size of the message in which a file travels.
func messageSize(key string, size int) int {
	return messageOverhead + len(strings.ToValidUTF8(key, "")) + base64.StdEncoding.EncodedLen(size)
}
