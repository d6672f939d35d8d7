package fakebox

import (
	"encoding/base64"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// noticed is told of each modification of a message file: of its content, by
// whoever writes, not of its name or times. It is called by the watch.
func (r *Replica) noticed(key string, at time.Time) {
	if isIgnored(key) || r.isArriving(key) || r.isOffline() {
		return
	}
	info, err := r.root.Lstat(path.Join("datasites", key))
	if err != nil || info.Size() > MaxFastSize {
		return // the full synchronisation's
	}
	data, err := r.readFile(key)
	if err != nil || r.syncedEtag(key) == etagOf(data) {
		return // the box's own doing, or the same bytes again
	}
	event := Event{Time: at, Actor: r.app(), Op: OpWrite, Path: key, Size: len(data), Etag: etagOf(data), Fault: r.box.decide(atNotice, key)}
	r.box.record(event)
	if event.Fault == Late {
		return
	}
	r.mu.Lock()
	r.modified[key]++
	count := r.modified[key]
	r.mu.Unlock()
	release := r.hold(key)
	r.box.after(Debounce, func() {
		defer release()
		r.mu.Lock()
		last := r.modified[key] == count
		if last {
			delete(r.modified, key)
		}
		r.mu.Unlock()
		if last {
			r.send(key, at)
		}
	})
}

// send sends a file by the fast path, unless it is not for it. Whatever becomes of
// the message, its sender believes that it has arrived.
func (r *Replica) send(key string, modified time.Time) {
	b := r.box
	data, err := r.readFile(key)
	if err != nil || len(data) == 0 || len(data) > MaxFastSize || !r.connected() {
		return // the full synchronisation's
	}
	etag := etagOf(data)
	if r.syncedEtag(key) == etag {
		return // sent more than a second ago, and the same
	}
	r.sending.Lock()
	defer r.sending.Unlock()
	fault := b.decide(atSend, key)
	event := Event{Actor: r.actor(), Op: OpSend, Path: key, Size: len(data), Etag: etag, Via: ViaFast}
	b.record(event)
	event.Actor, event.Op, event.Via = Hub, OpLose, ""

	release := r.hold(key)
	var refused atomic.Bool
	b.after(JournalDelay, func() {
		if !refused.Load() {
			r.setSynced(key, etag)
		}
		release()
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
	b.at(served, func() { refused.Store(r.pass(key, data)) })
}

// pass is the server that takes a message of this replica and passes it on, or
// refuses it and says so.
func (r *Replica) pass(key string, data []byte) (refused bool) {
	b := r.box
	err := b.hub.put(r.Email, key, data)
	event := Event{Actor: Hub, Op: OpRefuse, Path: key, Size: len(data), Via: ViaFast}
	switch {
	case errors.Is(err, errDenied):
		event.Note = err.Error()
		b.record(event)
		r.recordError(key, ViaFast, r.mark(key, rejectedMarker, OpReject, ViaFast, ""))
		return true
	case errors.Is(err, errRefused):
		// It has told everybody by the time when it refuses to keep the file.
		event.Note = err.Error()
		b.record(event)
	case err != nil:
		b.trouble(Hub, key, err)
	}
	b.broadcast(r.Email, key, data)
	return false
}

// broadcast sends a file to all who may read it, but for whom it is from.
func (b *Box) broadcast(from, key string, data []byte) {
	b.mu.Lock()
	receivers := slices.Collect(maps.Values(b.replicas))
	b.mu.Unlock()
	for _, r := range receivers {
		if r.Email == from || !r.connected() || !b.hub.mayRead(r.Email, key) {
			continue
		}
		r.mu.Lock()
		served, ok := r.incoming.arrive(time.Now())
		r.mu.Unlock()
		if !ok {
			b.record(Event{Actor: Hub, Op: OpLose, Path: key, Note: "for " + r.Email + ", who is busy"})
			continue
		}
		b.at(served, func() { r.receive(key, data) })
	}
}

// receive puts a file that came by the fast path into its place.
func (r *Replica) receive(key string, data []byte) {
	if !r.connected() {
		return
	}
	r.recordError(key, ViaFast, r.arrive(key, data, Delivery{Mode: WebSocket}, ViaFast))
}

// messageSize is the size of the message in which a file travels.
func messageSize(key string, size int) int {
	return messageOverhead + len(strings.ToValidUTF8(key, "")) + base64.StdEncoding.EncodedLen(size)
}
