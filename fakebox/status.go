package fakebox

// A fileStatus is what the client does with a file just now. It is one value for
// each file, as in SyftBox: of two that work at the same file, the one that ends
// first ends it for both.
type fileStatus struct {
	// syncing files are left alone by the full synchronisation.
	syncing bool
	// errors counts the failures since the last success.
	errors int
}

// MaxErrors is how many failures of a file make the full synchronisation ignore it,
// until the fast path succeeds, or the client is started again.
const MaxErrors = 3

func (r *Replica) setSyncing(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status[key] = fileStatus{syncing: true, errors: r.status[key].errors}
}

func (r *Replica) setCompleted(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.status, key)
}

// setError counts a failure, and puts it into the journal.
func (r *Replica) setError(key, via string, err error) {
	r.mu.Lock()
	r.status[key] = fileStatus{errors: r.status[key].errors + 1}
	r.mu.Unlock()
	r.recordError(key, via, err)
}

// isLeftAlone reports whether the full synchronisation leaves a file alone.
func (r *Replica) isLeftAlone(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	status := r.status[key]
	return isIgnored(key) || r.stuck[key] || status.syncing || status.errors >= MaxErrors
}

// ignoreOnce takes the next modification of a file for the client's own.
func (r *Replica) ignoreOnce(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ignoring[key] = r.box.clock.now().Add(r.box.scaled(IgnoreTime))
}

// isIgnoredOnce reports whether a modification is taken for the client's own.
func (r *Replica) isIgnoredOnce(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	until, ok := r.ignoring[key]
	delete(r.ignoring, key)
	return ok && !r.box.clock.now().After(until)
}

// beginArrival tells that the client writes a file, until the function that it
// returns is called.
func (r *Replica) beginArrival(key string) (end func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.arriving[key]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.arriving[key]--; r.arriving[key] <= 0 {
			delete(r.arriving, key)
		}
	}
}

// isArriving reports whether a modification of a file is the client's own doing.
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
