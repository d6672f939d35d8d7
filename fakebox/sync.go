package fakebox

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// synchronise brings replica and server in step, again and again, until the network
// is closed.
func (r *Replica) synchronise() {
	for {
		switch {
		case r.isOffline():
		case r.box.decide(atCycle, r.Email) == Offline:
			r.SetOnline(false)
			r.box.after(CycleTime, func() { r.SetOnline(true) })
		default:
			r.fullSync()
		}
		r.mu.Lock()
		r.cycles++
		r.mu.Unlock()
		if !r.box.sleep(CycleTime) {
			return
		}
	}
}

// fullSync compares what is on the server, what is here, and what was the same on
// both the last time. It asks the server before it looks here, as SyftBox does: a
// file that comes by the fast path in between is taken for one that the server has
// deleted.
func (r *Replica) fullSync() {
	remote := r.box.hub.view(r.Email)
	if r.box.config.ViewLatency > 0 && !r.box.sleep(r.box.config.ViewLatency) {
		return
	}
	r.mu.Lock()
	synced := maps.Clone(r.synced)
	r.mu.Unlock()
	here, err := r.scan()
	if err != nil {
		r.box.trouble(r.actor(), "", err)
		return
	}
	keys := map[string]bool{}
	for _, known := range []map[string]string{remote, here, synced} {
		for key := range known {
			keys[key] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if r.box.ctx.Err() != nil {
			return
		}
		if here[key] == synced[key] && remote[key] == synced[key] || isIgnored(key) || r.isHeld(key) || r.syncedEtag(key) != synced[key] {
			continue
		}
		release := r.hold(key)
		err := r.step(key, here[key], remote[key], synced[key])
		release()
		r.recordError(key, ViaFullSync, err)
	}
}

// step does for one file what its three etags ask for; "" is a file that is not
// there.
func (r *Replica) step(key, here, remote, synced string) error {
	changedHere, changedThere := here != synced, remote != synced
	switch {
	case here == "" && remote == "":
		r.forget(key)
		return nil
	case changedHere && changedThere && here != "" && remote != "":
		// Also if both are the same.
		return r.mark(key, conflictMarker, OpConflict, ViaFullSync, "")
	case here == "" && !changedThere:
		return r.deleteRemote(key)
	case remote == "" && !changedHere:
		return r.remove(key, "")
	case changedHere && here != "":
		return r.upload(key)
	default:
		return r.fetch(key)
	}
}

// upload gives the server a file.
func (r *Replica) upload(key string) error {
	data, err := r.readFile(key)
	if err != nil {
		return err
	}
	event := Event{Actor: r.actor(), Op: OpUpload, Path: key, Size: len(data), Etag: etagOf(data), Via: ViaFullSync}
	err = r.box.hub.put(r.Email, key, data)
	if errors.Is(err, errDenied) || errors.Is(err, errRefused) {
		event.Actor, event.Op, event.Note = Hub, OpRefuse, err.Error()
		r.box.record(event)
		return r.mark(key, rejectedMarker, OpReject, ViaFullSync, "")
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
	r.forget(key)
	event := Event{Actor: r.actor(), Op: OpDelete, Path: key, Via: ViaFullSync}
	if err := r.box.hub.remove(r.Email, key); err != nil {
		event.Actor, event.Op, event.Note = Hub, OpRefuse, err.Error()
	}
	r.box.record(event)
	return nil
}

// fetch brings a file from the server.
func (r *Replica) fetch(key string) error {
	o, ok := r.box.hub.get(key)
	if !ok {
		return nil // deleted meanwhile
	}
	return r.arrive(key, o.data, r.download(), ViaFullSync)
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

// scan returns the etag of each file in the replica that is to be synchronised.
func (r *Replica) scan() (map[string]string, error) {
	here := map[string]string{}
	hashed := map[string]hashedFile{}
	err := filepath.WalkDir(r.Datasites(), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return ignoreNotExist(err)
		}
		key := r.keyOf(name)
		// Files lie in datasites, and a backslash is a slash to SyftBox's server: such
		// a file never arrives.
		if isIgnored(key) || !strings.Contains(key, "/") || strings.Contains(key, `\`) {
			return nil
		}
		info, err := d.Info()
		if err != nil || info.Size() == 0 {
			return ignoreNotExist(err)
		}
		if known, ok := r.hashed[key]; ok && unchanged(known.info, info) {
			here[key], hashed[key] = known.etag, known
			return nil
		}
		data, err := r.readFile(key)
		if err != nil || len(data) == 0 {
			return ignoreNotExist(err)
		}
		here[key] = etagOf(data)
		if time.Since(info.ModTime()) > racyAge {
			hashed[key] = hashedFile{info, here[key]}
		}
		return nil
	})
	// Only startDaemon, and after it synchronise, come here.
	r.hashed = hashed
	return here, err
}

// unchanged reports whether a file is the one that was seen, as it was.
func unchanged(before, now fs.FileInfo) bool {
	return os.SameFile(before, now) && before.Size() == now.Size() && before.ModTime().Equal(now.ModTime())
}

// Path returns the file of a path that is relative to "datasites", as in events.
func (r *Replica) Path(key string) string {
	return filepath.Join(r.Datasites(), filepath.FromSlash(path.Clean("/"+key)))
}
