package fakebox

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A daemon is the state of SyftBox's client on one machine. The client has four parts: the fast path out (fast.go), what comes in (arrive.go), the
// connection (connection.go), and the full synchronisation (sync.go).
type daemon struct {
	mu sync.Mutex
	// session is nil while the client does not run.
	session *session
	// offline is what SetOnline has said; connected tells whether there is a
	// connection for the fast path.
	offline, connected bool
	// synced has the etag of each file as it was last known to be on the server and
	// here: SyftBox's "sync journal". It survives a stop.
	synced map[string]string
	// status has what is being done with a file, or has failed.
	status map[string]fileStatus
	// ignoring has, by path, until when the next modification of a file is taken for
	// the client's own.
	ignoring map[string]time.Time
	// arriving counts the files that are being written by the client.
	arriving map[string]int
	// stuck are files that a fault has left incomplete for ever.
	stuck map[string]bool
	// hashed remembers the etag of files that have not changed.
	hashed map[string]hashedFile

	// cycles counts the full synchronisations that have ended.
	cycles int

	debounce           debounce
	outgoing, incoming queue
	watch              watch
}

func newDaemon() daemon {
	return daemon{
		synced: map[string]string{}, arriving: map[string]int{}, stuck: map[string]bool{},
		status: map[string]fileStatus{}, ignoring: map[string]time.Time{},
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

// Start starts SyftBox's client on this machine again after [Replica.Stop]. The client
// runs a full synchronisation, which carries what was written meanwhile, then watches
// every folder anew, and connects; Start returns when it is connected. It returns an
// error if the client runs, if the network was not started or is closed, or, as
// SyftBox does, if the server cannot be reached. An error fails the test that [New]
// was given.
func (r *Replica) Start() error {
	r.box.life.Lock()
	defer r.box.life.Unlock()
	err := r.startAgain()
	if err != nil {
		err = fmt.Errorf("fakebox: start SyftBox of %s: %w", r.Email, err)
	}
	return r.box.failed(err)
}

func (r *Replica) startAgain() error {
	r.box.mu.Lock()
	started, closed := r.box.started, r.box.closed
	r.box.mu.Unlock()
	switch {
	case closed:
		return errors.New("the network is closed")
	case !started:
		return errors.New("the network was not started")
	case r.current() != nil:
		return errors.New("it runs already")
	}
	if err := r.startDaemon(); err != nil {
		return err
	}
	r.box.record(Event{Actor: r.actor(), Op: OpStart})
	return nil
}

// Stop kills SyftBox's client on this machine. Nothing is watched, sent, received or
// synchronised until [Replica.Start], and a file that the client was writing stays
// incomplete. The client's record of synchronised files survives, without the files
// that were sent less than [JournalDelay] ago: these become conflicts at the next
// start. Stop returns an error if the client does not run; an error fails the test
// that [New] was given.
func (r *Replica) Stop() error {
	r.box.life.Lock()
	defer r.box.life.Unlock()
	if r.current() == nil {
		return r.box.failed(fmt.Errorf("fakebox: stop SyftBox of %s: it does not run", r.Email))
	}
	if err := r.stopDaemon(); err != nil {
		return r.box.failed(fmt.Errorf("fakebox: stop SyftBox of %s: %w", r.Email, err))
	}
	r.box.record(Event{Actor: r.actor(), Op: OpStop})
	return nil
}

// startDaemon starts the client. Its goroutines end with its session: with
// stopDaemon, or when the network is closed. The caller holds box.life.
func (r *Replica) startDaemon() error {
	b := r.box
	s := newSession(b.session.ctx, b.clock)
	r.mu.Lock()
	r.session, r.connected = s, false
	r.status, r.ignoring, r.hashed = map[string]fileStatus{}, map[string]time.Time{}, map[string]hashedFile{}
	r.debounce = debounce{last: map[string]int{}}
	r.outgoing = queue{slots: QueueLength, send: b.scaled(SendTime), serve: b.scaled(ServeTime)}
	r.incoming = queue{slots: ReceiveQueueLength, serve: b.scaled(SendTime)}
	r.mu.Unlock()

	var err error
	done := make(chan struct{})
	s.spawn(func() {
		defer close(done)
		err = r.begin()
	})
	b.clock.await(done)
	if err != nil {
		err = errors.Join(err, r.stopDaemon())
	}
	return err
}

// begin does what the client does before it listens.
func (r *Replica) begin() error {
	if err := r.removeLegacyMarkers(); err != nil {
		return err
	}
	err := r.fullSync()
	r.countCycle()
	if err != nil {
		return fmt.Errorf("first full synchronisation: %w", err)
	}
	if err := r.startWatch(); err != nil {
		return err
	}
	if err := r.connect(); err != nil {
		return err
	}
	r.current().spawn(r.synchronise)
	return nil
}

// stopDaemon ends the client, if it runs. The caller holds box.life.
func (r *Replica) stopDaemon() error {
	s := r.current()
	if s == nil {
		return nil
	}
	s.stop()
	err := r.closeWatch()
	s.end()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.session, r.connected = nil, false
	return err
}

// current returns the session of the client, or nil if it does not run.
func (r *Replica) current() *session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.session
}

// running reports whether the client runs.
func (r *Replica) running() bool { return r.current() != nil }

// later runs a function after a duration of SyftBox's, unless the client is stopped
// before; where none runs, unless the network is closed.
func (r *Replica) later(d time.Duration, f func()) {
	s := r.current()
	if s == nil {
		s = r.box.session
	}
	s.after(r.box.scaled(d), f)
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
// those that have failed because the server could not be reached. A file that was
// there when one began that did not fail has been seen when it has ended.
func (r *Replica) Cycles() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cycles
}

func (r *Replica) countCycle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cycles++
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

func (r *Replica) syncedEtags() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.synced)
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
// file system cannot have, a server that cannot be reached. What could not be done
// is the next full synchronisation's. A file that an application has removed
// meanwhile is no error.
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
