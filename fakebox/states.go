package fakebox

import (
	"maps"
	"sync"
	"time"
)

// fileStates is what a client knows about its files, by key.
type fileStates struct {
	sim   *simulation
	email string

	mu sync.Mutex // guards the fields below
	// synced has the etag that a file had when it was last the same here and on the
	// server: SyftBox's "sync journal". It survives a restart of the client.
	synced map[string]string
	// status has the files that are being synced, or have failed.
	status map[string]fileStatus
	// ignoring has the files of which the client ignores the next modification, and
	// until when.
	ignoring map[string]time.Time
	sweep    int // the size of ignoring at which those whose time is over are removed
	// arriving counts the writes of the client that are in progress.
	arriving map[string]int
	// stuck has the files that a fault has left incomplete for ever.
	stuck map[string]bool
}

// A fileStatus is what the client is doing with a file. As in SyftBox a file has one
// status: of two operations on it, the first to end clears the status of both.
type fileStatus struct {
	syncing bool // the full sync skips the file
	errors  int  // failures since the last success
}

// MaxErrors is the number of failures after which the full sync ignores a file, until
// the fast path succeeds or the client is restarted.
const MaxErrors = 3

func newFileStates(sim *simulation, email string) *fileStates {
	f := &fileStates{sim: sim, email: email, synced: map[string]string{}, arriving: map[string]int{}, stuck: map[string]bool{}}
	f.reset()
	return f
}

// reset forgets what a client loses when it stops.
func (f *fileStates) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status, f.ignoring = map[string]fileStatus{}, map[string]time.Time{}
}

func (f *fileStates) setSynced(key, etag string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.synced[key] = etag
}

// forget drops the record that a file is synced.
func (f *fileStates) forget(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.synced, key)
}

func (f *fileStates) syncedEtag(key string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.synced[key]
}

func (f *fileStates) syncedEtags() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.synced)
}

func (f *fileStates) setSyncing(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status[key] = fileStatus{syncing: true, errors: f.status[key].errors}
}

func (f *fileStates) setCompleted(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.status, key)
}

// setError counts a failure and records it in the journal.
func (f *fileStates) setError(key, via string, err error) {
	f.mu.Lock()
	f.status[key] = fileStatus{errors: f.status[key].errors + 1}
	f.mu.Unlock()
	f.sim.journal.recordError(f.email, key, via, err)
}

// isSkipped reports whether the full sync skips a file.
func (f *fileStates) isSkipped(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	status := f.status[key]
	return Ignores(key) || f.stuck[key] || status.syncing || status.errors >= MaxErrors
}

// ignoreNext makes the client ignore the next modification of a file, within
// [IgnoreTime].
func (f *fileStates) ignoreNext(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.sim.clock.now()
	if len(f.ignoring) >= f.sweep {
		maps.DeleteFunc(f.ignoring, func(_ string, until time.Time) bool { return until.Before(now) })
		f.sweep = max(1000, 2*len(f.ignoring))
	}
	f.ignoring[key] = now.Add(f.sim.scaled(IgnoreTime))
}

// takeIgnored reports whether the client ignores this modification of a file. It does so
// once for each ignoreNext.
func (f *fileStates) takeIgnored(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	until, ok := f.ignoring[key]
	delete(f.ignoring, key)
	return ok && !f.sim.clock.now().After(until)
}

// beginArrival marks a file as being written by the client, until end is called.
func (f *fileStates) beginArrival(key string) (end func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.arriving[key]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.arriving[key]--; f.arriving[key] <= 0 {
			delete(f.arriving, key)
		}
	}
}

// isArriving reports whether the client itself is modifying a file.
func (f *fileStates) isArriving(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.arriving[key] > 0 || f.stuck[key]
}

// setStuck marks a file as incomplete for ever.
func (f *fileStates) setStuck(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stuck[key] = true
}
