package fakebox

import (
	"cmp"
	"errors"
	"slices"
	"sync/atomic"
)

// A syncer runs the full syncs of a client, one at a time.
type syncer struct {
	sim      *simulation
	email    string
	process  *process
	tree     *tree
	states   *fileStates
	conn     *connection
	hub      *hub
	receiver *receiver

	cycles atomic.Int64          // full syncs that have ended
	hashed map[string]hashedFile // used by scan only
}

// loop runs full syncs until the client stops. The daemon runs the first one before.
func (y *syncer) loop() {
	s := y.process.current()
	for s.wait(y.sim.scaled(CycleTime)) {
		if y.conn.reach() == nil && y.sim.chance.decide(atCycle, y.email) == Offline {
			y.conn.setOnline(false)
			s.after(y.sim.scaled(CycleTime), func() { y.conn.setOnline(true) })
		}
		if err := y.fullSync(); err != nil && !s.over() {
			y.sim.journal.record(Event{Actor: boxActor(y.email), Op: OpError, Via: ViaFullSync, Note: err.Error()})
		}
		y.cycles.Add(1)
	}
}

// fullSync compares the files on the server, the files here, and the record of synced
// files. Like SyftBox it reads them in this order, so that a file that comes by the fast
// path meanwhile is missing in the first ones.
func (y *syncer) fullSync() error {
	if err := y.conn.reach(); err != nil {
		return err
	}
	s := y.process.current()
	remote := y.hub.store.view(y.email)
	if latency := y.hub.viewLatency(); latency > 0 && !s.spend(y.sim.scaled(latency)) {
		return s.ctx.Err()
	}
	if err := y.conn.reach(); err != nil {
		return err
	}
	here, err := y.scan()
	if err != nil {
		return err
	}
	synced := y.states.syncedEtags()
	if len(synced) == 0 {
		synced = y.rebuild(here, remote)
	}
	y.carryOut(reconcile(here, remote, synced, y.states.isSkipped), here, remote)
	return nil
}

// rebuild rebuilds a lost record of synced files: files with the same content here and on
// the server count as synced.
func (y *syncer) rebuild(here, remote map[string]string) map[string]string {
	for key, etag := range here {
		if etag != "" && remote[key] == etag {
			y.states.setSynced(key, etag)
		}
	}
	return y.states.syncedEtags()
}

// carryOut carries out operations until the client stops.
func (y *syncer) carryOut(ops operations, here, remote map[string]string) {
	s := y.process.current()
	for _, keys := range [][]string{ops.uploads, ops.downloads, ops.deletes, ops.removals, ops.conflicts} {
		for _, key := range keys {
			y.states.setSyncing(key)
		}
	}
	each := func(keys []string, do func(key string) error) {
		for _, key := range keys {
			if s.over() {
				return
			}
			if err := do(key); err != nil {
				y.states.setError(key, ViaFullSync, err)
			} else {
				y.states.setCompleted(key)
			}
		}
	}
	each(ops.uploads, func(key string) error { return y.upload(key, here[key]) })
	each(ops.downloads, func(key string) error { return y.fetch(key, remote[key]) })
	each(ops.deletes, y.deleteRemote)
	y.shuffle(ops.removals)
	each(ops.removals, func(key string) error {
		s.spend(y.sim.scaled(RemoveTime))
		err := y.tree.remove(key, "")
		y.states.forget(key)
		return err
	})
	each(ops.conflicts, func(key string) error { return y.tree.mark(key, conflictMarker, OpConflict, ViaFullSync, "") })
	for _, key := range ops.cleanups {
		y.states.forget(key)
	}
}

// shuffle puts keys into a random order.
func (y *syncer) shuffle(keys []string) {
	order := map[string]uint64{}
	for _, key := range keys {
		order[key] = y.sim.chance.draw("order " + key)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Compare(order[a], order[b]) })
}

// upload uploads a file that had the given etag when it was scanned.
func (y *syncer) upload(key, etag string) error {
	if y.states.syncedEtag(key) == etag {
		return nil // the fast path was faster
	}
	data, err := y.tree.readFile(key)
	if err != nil || len(data) == 0 {
		return ignoreNotExist(err)
	}
	if err := y.conn.reach(); err != nil {
		return err
	}
	event := Event{Actor: boxActor(y.email), Op: OpUpload, Path: key, Size: len(data), Etag: etagOf(data), Via: ViaFullSync}
	err = y.hub.store.put(y.email, key, data, func() {
		y.states.setSynced(key, event.Etag)
		y.sim.journal.record(event)
	})
	if errors.Is(err, errDenied) || errors.Is(err, errRefused) {
		event.Actor, event.Op, event.Note = Hub, OpRefuse, err.Error()
		y.sim.journal.record(event)
		err := y.tree.mark(key, rejectedMarker, OpReject, ViaFullSync, "")
		y.states.forget(key)
		return err
	}
	if err != nil { // stored, but cannot be parsed
		y.sim.journal.trouble(Hub, key, err)
	}
	return nil
}

// deleteRemote deletes a file on the server that was removed here. If the server refuses,
// the next full sync downloads the file again.
func (y *syncer) deleteRemote(key string) error {
	if err := y.conn.reach(); err != nil {
		return err
	}
	event := Event{Actor: boxActor(y.email), Op: OpDelete, Path: key, Via: ViaFullSync}
	err := y.hub.store.remove(y.email, key)
	if err != nil {
		event.Actor, event.Op, event.Note = Hub, OpRefuse, err.Error()
	}
	y.states.forget(key)
	y.sim.journal.record(event)
	return err
}

// fetch downloads a file that had the given etag in the server's list. Like SyftBox it
// records this etag even if the file has changed since.
func (y *syncer) fetch(key, etag string) error {
	if err := y.conn.reach(); err != nil {
		return err
	}
	o, ok := y.hub.store.get(key)
	if !ok {
		return nil // deleted meanwhile
	}
	return y.receiver.arrive(key, o.data, etag, y.receiver.download, ViaFullSync)
}
