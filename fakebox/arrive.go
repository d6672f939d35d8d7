package fakebox

import (
	"path"
	"strings"
	"time"
)

// How long after a file's arrival a fault shows, in SyftBox's time.
const (
	vanishDelay    = 250 * time.Millisecond
	repushDelay    = 200 * time.Millisecond
	duplicateDelay = 100 * time.Millisecond
	tornPause      = 100 * time.Millisecond
)

// arrive puts a file into the replica, and lets a fault strike it on the way. The
// path is relative to "datasites"; the etag is what the client takes it for.
func (r *Replica) arrive(key string, data []byte, etag string, how Delivery, via string) error {
	fault := r.box.decide(atArrival, key)
	content := data
	var set times
	switch fault {
	case Answered:
		if err := r.answerInstead(key); err != nil {
			return err
		}
	case Torn:
		how = Delivery{Mode: BlobStoreInPlace, ChunkSize: len(data)/3 + 1, Pause: r.box.scaled(tornPause)}
	case Truncated:
		how = Delivery{Mode: BlobStoreInPlace}
		content = data[:len(data)/2]
		r.giveUp(key)
	case Future:
		set = func(now time.Time) time.Time { return now.Add(time.Hour) }
	case Coarse:
		set = func(now time.Time) time.Time { return now.Truncate(2 * time.Second) }
	}
	running := r.running()
	if running {
		r.setSyncing(key)
		r.ignoreOnce(key)
	}
	end := r.beginArrival(key)
	err := r.place(key, content, how, set)
	if running && err == nil {
		// Before the file can be taken for one that the application has written.
		r.setSynced(key, etag)
		r.setCompleted(key)
	}
	end()
	if err != nil {
		return err
	}
	r.box.record(Event{
		Actor: r.actor(), Op: OpArrive, Path: key, Size: len(content), Etag: etagOf(content), Mode: how.Mode.String(), Via: via, Fault: fault,
	})
	r.follow(fault, key, data)
	return nil
}

// follow does what a fault does after the file's arrival.
func (r *Replica) follow(fault Fault, key string, data []byte) {
	again := func(how Delivery, via string) {
		if err := r.arrive(key, data, etagOf(data), how, via); err != nil {
			r.setError(key, via, err)
		}
	}
	// What comes back does so with the next full synchronisation, which finds that
	// this replica lacks it. Where none runs it is done here.
	comeBack := func() {
		if !r.running() {
			r.later(CycleTime, func() { again(r.download(), ViaFullSync) })
		}
	}
	switch fault {
	case Vanish:
		r.later(vanishDelay, func() {
			r.recordError(key, ViaFullSync, r.remove(key, fault))
			comeBack()
		})
	case Conflict:
		if r.running() {
			// A box that has no record of a file takes it for another than the server's.
			r.forget(key)
			return
		}
		r.recordError(key, ViaFullSync, r.mark(key, conflictMarker, OpConflict, ViaFullSync, fault))
		comeBack()
	case Repush:
		r.later(repushDelay, func() { again(Delivery{Mode: WebSocket}, ViaFast) })
	case Duplicate:
		r.later(duplicateDelay, func() { again(r.download(), ViaFullSync) })
	}
}

// answerInstead puts a response beside a request that is about to arrive, as the
// sender may: SyftBox's permissions let senders write responses in their folders.
func (r *Replica) answerInstead(request string) error {
	key := strings.TrimSuffix(request, ".request") + ".response"
	data := []byte(`{"id":"` + strings.TrimSuffix(path.Base(request), ".request") + `","sender":"` + path.Base(path.Dir(request)) +
		`","url":"syft://` + path.Dir(request) + `","status_code":299,"headers":{},"body":null}`)
	if r.running() {
		r.box.hub.put(r.Email, key, data)
	}
	if err := r.place(key, data, Delivery{Mode: WebSocket}, nil); err != nil {
		return err
	}
	if r.running() {
		r.setSynced(key, etagOf(data))
	}
	r.box.record(Event{Actor: r.actor(), Op: OpArrive, Path: key, Size: len(data), Etag: etagOf(data), Mode: WebSocket.String(), Via: ViaFast, Fault: Answered})
	return nil
}

// remove removes a file that is not on the server, and the folders above it that
// are empty then. A .syftkeep keeps its folder.
func (r *Replica) remove(key string, fault Fault) error {
	err := r.root.Remove(path.Join("datasites", key))
	r.forget(key)
	if err == nil {
		r.box.record(Event{Actor: r.actor(), Op: OpRemove, Path: key, Via: ViaFullSync, Fault: fault})
	}
	// Up to, and not including, "datasites". A folder that is not empty stays:
	// removing it fails.
	for dir := path.Dir(key); dir != "."; dir = path.Dir(dir) {
		if r.root.Remove(path.Join("datasites", dir)) != nil {
			break
		}
	}
	return ignoreNotExist(err) // the application was faster
}

// mark renames a file to its marker, moving away a file that has that name. It
// returns an error if the file is not there: the application was faster.
func (r *Replica) mark(key, marker string, op Op, via string, fault Fault) error {
	name := path.Join("datasites", key)
	if _, err := r.root.Lstat(name); err != nil {
		return err
	}
	to := marked(name, marker)
	if _, err := r.root.Lstat(to); err == nil {
		if err := r.root.Rename(to, rotated(name, marker, r.box.clock.now())); err != nil {
			return err
		}
	}
	if err := r.root.Rename(name, to); err != nil {
		return err
	}
	r.box.record(Event{Actor: r.actor(), Op: op, Path: key, Via: via, Fault: fault, Note: "now " + path.Base(to)})
	return nil
}
