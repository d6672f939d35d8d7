package fakebox

import (
	"errors"
	"path"
	"strings"
	"time"
)

// Delays of the faults that strike after a file arrived.
const (
	vanishDelay    = 250 * time.Millisecond
	repushDelay    = 200 * time.Millisecond
	duplicateDelay = 100 * time.Millisecond
	tornPause      = 100 * time.Millisecond
)

// A receiver writes files from the server into the replica, and injects the faults of
// their arrival.
type receiver struct {
	sim      *simulation
	email    string
	process  *process
	tree     *tree
	states   *fileStates
	store    *store
	download Delivery // how a full sync writes files
}

// receive handles a file that came by the fast path.
func (r *receiver) receive(key string, data []byte) {
	if err := r.arrive(key, data, etagOf(data), Delivery{Mode: WebSocket}, ViaFast); err != nil {
		r.states.setError(key, ViaFast, err)
	}
}

// arrive writes a file into the replica and records the etag as synced.
func (r *receiver) arrive(key string, data []byte, etag string, how Delivery, via string) error {
	fault := r.sim.chance.decide(atArrival, key)
	content := data
	var set times
	switch fault {
	case Answered:
		if err := r.forgeResponse(key); err != nil {
			return err
		}
	case Torn:
		how = Delivery{Mode: BlobStoreInPlace, ChunkSize: len(data)/3 + 1, Pause: r.sim.scaled(tornPause)}
	case Truncated:
		how = Delivery{Mode: BlobStoreInPlace}
		content = data[:len(data)/2]
		r.states.setStuck(key)
	case Future:
		set = func(now time.Time) time.Time { return now.Add(time.Hour) }
	case Coarse:
		set = func(now time.Time) time.Time { return now.Truncate(2 * time.Second) }
	}
	running := r.process.running()
	if running {
		r.states.setSyncing(key)
		r.states.ignoreNext(key)
	}
	end := r.states.beginArrival(key)
	arrival := Event{
		Actor: boxActor(r.email), Op: OpArrive, Path: key, Size: len(content), Etag: etagOf(content), Mode: how.Mode.String(), Via: via, Fault: fault,
	}
	err := r.tree.place(arrival, content, how, set, r.pause)
	if running && err == nil {
		// Before end, so that the sender ignores the write.
		r.states.setSynced(key, etag)
		r.states.setCompleted(key)
	}
	end()
	if err != nil {
		return err
	}
	r.follow(fault, key, data)
	return nil
}

// follow injects the part of a fault that happens after the file arrived.
func (r *receiver) follow(fault Fault, key string, data []byte) {
	again := func(how Delivery, via string) {
		if err := r.arrive(key, data, etagOf(data), how, via); err != nil {
			r.states.setError(key, via, err)
		}
	}
	// If the client runs, its next full sync restores the file.
	restore := func() {
		if !r.process.running() {
			r.later(CycleTime, func() { again(r.download, ViaFullSync) })
		}
	}
	switch fault {
	case Vanish:
		r.later(vanishDelay, func() {
			err := r.tree.remove(key, fault)
			r.states.forget(key)
			r.sim.journal.recordError(r.email, key, ViaFullSync, err)
			restore()
		})
	case Conflict:
		if r.process.running() {
			// Without a record of the file, the next full sync finds a conflict.
			r.states.forget(key)
			return
		}
		err := r.tree.mark(key, conflictMarker, OpConflict, ViaFullSync, fault)
		r.sim.journal.recordError(r.email, key, ViaFullSync, err)
		restore()
	case Repush:
		r.later(repushDelay, func() { again(Delivery{Mode: WebSocket}, ViaFast) })
	case Duplicate:
		r.later(duplicateDelay, func() { again(r.download, ViaFullSync) })
	}
}

// forgeResponse writes a response to a request that is about to arrive. SyftBox's
// permissions allow a sender to do this.
func (r *receiver) forgeResponse(request string) error {
	key := strings.TrimSuffix(request, ".request") + ".response"
	data := []byte(`{"id":"` + strings.TrimSuffix(path.Base(request), ".request") + `","sender":"` + path.Base(path.Dir(request)) +
		`","url":"syft://` + path.Dir(request) + `","status_code":299,"headers":{},"body":null}`)
	if r.process.running() {
		r.store.put(r.email, key, data, nil)
	}
	arrival := Event{
		Actor: boxActor(r.email), Op: OpArrive, Path: key, Size: len(data), Etag: etagOf(data), Mode: WebSocket.String(), Via: ViaFast, Fault: Answered,
	}
	if err := r.tree.place(arrival, data, Delivery{Mode: WebSocket}, nil, r.pause); err != nil {
		return err
	}
	if r.process.running() {
		r.states.setSynced(key, etagOf(data))
	}
	return nil
}

// later runs f after a delay in SyftBox's time, unless the client stops before. If the
// client is not running, f runs unless the network is closed before.
func (r *receiver) later(d time.Duration, f func()) {
	r.process.currentOrNetwork().after(r.sim.scaled(d), f)
}

// errStopped is the error of a write that a stop interrupted.
var errStopped = errors.New("stopped")

// pause waits between two chunks of a file.
func (r *receiver) pause(d time.Duration) error {
	if !r.process.currentOrNetwork().spend(d) {
		return errStopped
	}
	return nil
}
