package fakebox

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A daemon is SyftBox's program on one machine: what it knows of the files there.
// It has three parts: the fast path out (fast.go), what comes in (arrive.go), and
// the full synchronisation (sync.go).
type daemon struct {
	mu sync.Mutex
	// started tells whether it runs, offline that it is not connected.
	started, offline bool
	// downUntil is when a broken connection is back.
	downUntil time.Time
	// synced has the etag of each file as it was last known to be on the server and
	// here: SyftBox's "sync journal".
	synced map[string]string
	// held counts what is being done with a file just now; the full synchronisation
	// leaves it alone. Of a file that is arriving no modification is noticed.
	held, arriving map[string]int
	// stuck are files that a fault has left incomplete for ever.
	stuck map[string]bool
	// modified counts the modifications of a file, to know the last.
	modified map[string]int
	// hashed remembers the etag of files that have not changed.
	hashed map[string]hashedFile

	// cycles counts the full synchronisations that have ended.
	cycles int

	sending            sync.Mutex // held while a message joins the outgoing queue
	outgoing, incoming queue
	watch              watch
}

func newDaemon() daemon {
	return daemon{
		synced: map[string]string{}, held: map[string]int{}, arriving: map[string]int{}, stuck: map[string]bool{},
		modified: map[string]int{}, hashed: map[string]hashedFile{},
	}
}

// actor and app are how the journal calls the box, and the applications beside it.
func (r *Replica) actor() string { return r.Email + "/box" }
func (r *Replica) app() string   { return r.Email + "/app" }

// download is how the full synchronisation writes.
func (r *Replica) download() Delivery {
	how := r.box.config.Download
	if how.Mode != BlobStoreInPlace {
		how.Mode = BlobStore
	}
	return how
}

// startDaemon begins to watch and to synchronise. The goroutines end when the
// network is closed.
func (r *Replica) startDaemon() error {
	b := r.box
	r.mu.Lock()
	r.outgoing = queue{slots: QueueLength, send: b.scaled(SendTime), serve: b.scaled(ServeTime)}
	r.incoming = queue{slots: ReceiveQueueLength, serve: b.scaled(SendTime)}
	r.mu.Unlock()
	if err := r.removeLegacyMarkers(); err != nil {
		return err
	}
	if err := r.recall(); err != nil {
		return err
	}
	if err := r.startWatch(); err != nil {
		return err
	}
	r.mu.Lock()
	r.started = true
	r.mu.Unlock()
	b.spawn(r.synchronise)
	return nil
}

// recall takes for synchronised what is the same here and on the server: what a
// SyftBox does that has lost its journal.
func (r *Replica) recall() error {
	here, err := r.scan()
	if err != nil {
		return err
	}
	for key, etag := range r.box.hub.view(r.Email) {
		if here[key] == etag {
			r.setSynced(key, etag)
		}
	}
	return nil
}

// removeLegacyMarkers removes what earlier versions have marked, as SyftBox does
// when it starts.
func (r *Replica) removeLegacyMarkers() error {
	return filepath.WalkDir(r.Datasites(), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isLegacyMarker(d.Name()) {
			return ignoreNotExist(err)
		}
		relative, err := filepath.Rel(r.DataDir(), name)
		if err != nil {
			return err
		}
		return r.root.Remove(relative)
	})
}

// Cycles returns how many full synchronisations of the replica have ended, also
// those for which it was offline. A file that was there when one began has been
// seen when it has ended.
func (r *Replica) Cycles() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cycles
}

// running reports whether the daemon runs.
func (r *Replica) running() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.started
}

// SetOnline connects the person's box, or takes it off the network. Without a
// connection nothing comes and nothing goes; afterwards all goes and comes by the
// next full synchronisation. A replica is online when it joins.
func (r *Replica) SetOnline(online bool) {
	r.mu.Lock()
	changed := r.offline == online
	r.offline = !online
	r.mu.Unlock()
	if changed {
		op := OpOffline
		if online {
			op = OpOnline
		}
		r.box.record(Event{Actor: r.actor(), Op: op})
	}
}

// connected reports whether the fast path works just now.
func (r *Replica) connected() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.started && !r.offline && !time.Now().Before(r.downUntil)
}

// disconnect breaks the connection, which comes back by itself.
func (r *Replica) disconnect() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.downUntil = time.Now().Add(r.box.scaled(ReconnectDelay))
}

func (r *Replica) isOffline() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.offline
}

// hold marks a file as in hand until the function that it returns is called.
func (r *Replica) hold(key string) (release func()) { return r.count(r.held, key) }

// count adds one for the file in a map of counts, until the function that it
// returns is called.
func (r *Replica) count(counts map[string]int, key string) (release func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts[key]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if counts[key]--; counts[key] <= 0 {
			delete(counts, key)
		}
	}
}

// isHeld reports whether a file is in hand, or will never be whole.
func (r *Replica) isHeld(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held[key] > 0 || r.stuck[key]
}

// isArriving reports whether a modification of a file is the box's own doing.
func (r *Replica) isArriving(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.arriving[key] > 0 || r.stuck[key]
}

func (r *Replica) giveUp(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stuck[key] = true
}

func (r *Replica) setSynced(key, etag string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.synced[key] = etag
}

func (r *Replica) forget(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.synced, key)
}

func (r *Replica) syncedEtag(key string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.synced[key]
}

// readFile reads a regular file of the replica. The path is relative to
// "datasites". Symbolic links are not followed: SyftBox never sends them.
func (r *Replica) readFile(key string) ([]byte, error) {
	name := path.Join("datasites", key)
	info, err := r.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrInvalid
	}
	return r.root.ReadFile(name)
}

// keyOf returns the path below "datasites" of a file in the replica, with slashes.
func (r *Replica) keyOf(name string) string {
	return filepath.ToSlash(strings.TrimPrefix(name, r.Datasites()+string(filepath.Separator)))
}

// recordError puts an error into the journal, if there is one: a name that this
// file system cannot have, a folder that an application removes just now. What
// could not be done is the next full synchronisation's.
func (r *Replica) recordError(key, via string, err error) {
	if ignoreNotExist(err) != nil {
		r.box.record(Event{Actor: r.actor(), Op: OpError, Path: key, Via: via, Note: err.Error()})
	}
}

// ignoreNotExist is for files that applications remove while a box looks.
func ignoreNotExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
