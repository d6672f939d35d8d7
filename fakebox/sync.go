package fakebox

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// synchronise brings replica and server in step, again and again, until the client's
// session ends. The first time is before it, in begin.
func (r *Replica) synchronise() {
	s := r.current()
	for s.wait(r.box.scaled(CycleTime)) {
		if r.reach() == nil && r.box.decide(atCycle, r.Email) == Offline {
			r.SetOnline(false)
			r.later(CycleTime, func() { r.SetOnline(true) })
		}
		if err := r.fullSync(); err != nil && !s.over() {
			r.box.record(Event{Actor: r.actor(), Op: OpError, Via: ViaFullSync, Note: err.Error()})
		}
		r.countCycle()
	}
}

// fullSync compares what is on the server, what is here, and what was the same on
// both the last time. It asks the server first, then looks here, and reads its own
// record last, as SyftBox does: of what comes by the fast path in between, not all
// three know.
func (r *Replica) fullSync() error {
	if err := r.reach(); err != nil {
		return err
	}
	s := r.current()
	remote := r.box.hub.view(r.Email)
	if latency := r.box.viewLatency(); latency > 0 && !s.wait(r.box.scaled(latency)) {
		return s.ctx.Err()
	}
	if err := r.reach(); err != nil {
		return err
	}
	here, err := r.scan()
	if err != nil {
		return err
	}
	synced := r.syncedEtags()
	if len(synced) == 0 {
		synced = r.recall(here, remote)
	}
	r.carryOut(reconcile(here, remote, synced, r.isLeftAlone), here, remote)
	return nil
}

// recall takes for synchronised what is the same here and on the server: what a
// SyftBox does that has lost its record.
func (r *Replica) recall(here, remote map[string]string) map[string]string {
	for key, etag := range here {
		if etag != "" && remote[key] == etag {
			r.setSynced(key, etag)
		}
	}
	return r.syncedEtags()
}

// carryOut does what reconcile has found, until the session ends.
func (r *Replica) carryOut(ops operations, here, remote map[string]string) {
	s := r.current()
	for _, keys := range [][]string{ops.uploads, ops.downloads, ops.deletes, ops.removals, ops.conflicts} {
		for _, key := range keys {
			r.setSyncing(key)
		}
	}
	each := func(keys []string, do func(key string) error) {
		for _, key := range keys {
			if s.over() {
				return
			}
			if err := do(key); err != nil {
				r.setError(key, ViaFullSync, err)
			} else {
				r.setCompleted(key)
			}
		}
	}
	each(ops.uploads, func(key string) error { return r.upload(key, here[key]) })
	each(ops.downloads, func(key string) error { return r.fetch(key, remote[key]) })
	each(ops.deletes, r.deleteRemote)
	r.shuffle(ops.removals)
	each(ops.removals, func(key string) error {
		// A pair is removed one file after the other, the response first or last.
		s.wait(r.box.scaled(RemoveTime))
		return r.remove(key, "")
	})
	each(ops.conflicts, func(key string) error { return r.mark(key, conflictMarker, OpConflict, ViaFullSync, "") })
	for _, key := range ops.cleanups {
		r.forget(key)
	}
}

// shuffle puts paths into an order that the seed decides.
func (r *Replica) shuffle(keys []string) {
	order := map[string]uint64{}
	for _, key := range keys {
		order[key] = r.box.draw("order " + key)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Compare(order[a], order[b]) })
}

// upload gives the server a file that had the etag when it was scanned.
func (r *Replica) upload(key, etag string) error {
	if r.syncedEtag(key) == etag {
		return nil // the fast path was faster
	}
	data, err := r.readFile(key)
	if err != nil || len(data) == 0 {
		return ignoreNotExist(err)
	}
	if err := r.reach(); err != nil {
		return err
	}
	event := Event{Actor: r.actor(), Op: OpUpload, Path: key, Size: len(data), Etag: etagOf(data), Via: ViaFullSync}
	err = r.box.hub.put(r.Email, key, data)
	if errors.Is(err, errDenied) || errors.Is(err, errRefused) {
		event.Actor, event.Op, event.Note = Hub, OpRefuse, err.Error()
		r.box.record(event)
		err := r.mark(key, rejectedMarker, OpReject, ViaFullSync, "")
		r.forget(key)
		return err
	}
	if err != nil { // taken, but not understood
		r.box.trouble(Hub, key, err)
	}
	r.setSynced(key, etagOf(data))
	r.box.record(event)
	return nil
}

// deleteRemote deletes on the server what an application has removed here. If it
// may not, the file comes back.
func (r *Replica) deleteRemote(key string) error {
	if err := r.reach(); err != nil {
		return err
	}
	event := Event{Actor: r.actor(), Op: OpDelete, Path: key, Via: ViaFullSync}
	err := r.box.hub.remove(r.Email, key)
	if err != nil {
		event.Actor, event.Op, event.Note = Hub, OpRefuse, err.Error()
	}
	r.forget(key)
	r.box.record(event)
	return err
}

// fetch brings a file from the server, of which the server's list had the etag. What
// comes may be newer: its record is that of the list all the same.
func (r *Replica) fetch(key, etag string) error {
	if err := r.reach(); err != nil {
		return err
	}
	o, ok := r.box.hub.get(key)
	if !ok {
		return nil // deleted meanwhile
	}
	return r.arrive(key, o.data, etag, r.download(), ViaFullSync)
}

// A hashedFile is a file whose etag is known.
type hashedFile struct {
	info fs.FileInfo
	etag string
}

// racyAge is how old a file's time must be, when it is read, for the same time to
// mean the same content: git's rule for its index, with two seconds for the
// coarsest clock of a file system.
const racyAge = 2 * time.Second

// scan returns the etag of each file in the replica that is to be synchronised, "" of
// an empty one. A file or folder that goes while it looks is an error, as in SyftBox:
// there is no full synchronisation then.
func (r *Replica) scan() (map[string]string, error) {
	here := map[string]string{}
	hashed := map[string]hashedFile{}
	err := filepath.WalkDir(r.Datasites(), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		key := r.keyOf(name)
		// Files lie in datasites, and a backslash is a slash to SyftBox's server: such
		// a file never arrives.
		if isIgnored(key) || !strings.Contains(key, "/") || strings.Contains(key, `\`) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() == 0 {
			here[key] = ""
			return nil
		}
		if known, ok := r.hashed[key]; ok && unchanged(known.info, info) {
			here[key], hashed[key] = known.etag, known
			return nil
		}
		data, err := r.readFile(key)
		if err != nil {
			return err
		}
		if len(data) == 0 {
			here[key] = ""
			return nil
		}
		here[key] = etagOf(data)
		if time.Since(info.ModTime()) > racyAge {
			hashed[key] = hashedFile{info, here[key]}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.hashed = hashed // only fullSync comes here, one at a time
	return here, nil
}

// unchanged reports whether a file is the one that was seen, as it was.
func unchanged(before, now fs.FileInfo) bool {
	return os.SameFile(before, now) && before.Size() == now.Size() && before.ModTime().Equal(now.ModTime())
}

// Path returns the file of a path that is relative to "datasites", as in events.
func (r *Replica) Path(key string) string {
	return filepath.Join(r.Datasites(), filepath.FromSlash(path.Clean("/"+key)))
}
