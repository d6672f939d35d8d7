package watch

import (
	"slices"
	"time"
)

// checkAll checks all files of a directory.
func (w *Watcher) checkAll(d *directory) {
	for _, f := range d.files {
		if w.check(f); !w.breathe() {
			return
		}
	}
}

// check reads the state of a file.
func (w *Watcher) check(f *file) {
	now, seen := w.now(), version{}
	if !f.dir.lost { // a symbolic link may have taken the name of the directory
		state, err := w.files.state(w.lister.Anchor, w.options.Dir, w.cname(f.dir.name, f.name))
		if err != nil && !isMissing(err) {
			return // unreadable: it may be there
		}
		if err == nil {
			seen = versionOf(state)
		}
	}
	if seen != f.seen || !f.known {
		f.seen, f.known, f.since = seen, true, now
		for i := range f.deliveries {
			f.deliveries[i].attempts, f.deliveries[i].retry = 0, 0
		}
	}
	f.checked = now
	if !f.pending && slices.ContainsFunc(f.deliveries, func(d delivery) bool { return d.done != f.seen }) {
		f.pending = true
		f.dir.site.pending[f] = struct{}{}
	}
}

// cname returns the path of a name in a directory for system calls, which ends in a zero byte.
// It is valid until the next call.
func (w *Watcher) cname(dir, name string) []byte {
	w.joined = append(w.joined[:0], dir...)
	if name != "" {
		w.joined = append(append(w.joined, '/'), name...)
	}
	w.joined = append(w.joined, 0)
	return w.joined
}

// checkUnknown checks the files of the cursor that the first scan has not found.
func (w *Watcher) checkUnknown() {
	w.unknown, w.nextUnknown = false, w.now().add(fullEvery)
	for _, d := range w.directories {
		if !d.linked && isMissing(checkDirectory(w.lister.Root, d.name)) {
			d.lost = true
		}
		for _, f := range d.files {
			if !f.known {
				w.check(f)
				w.unknown = w.unknown || !f.known
			}
		}
	}
}

// evaluate queues the events of a pending file, if it is settled.
func (w *Watcher) evaluate(f *file) {
	if !f.known {
		return
	}
	now, settled := w.now(), f.checked.sub(f.since) >= w.settle()
	open, gone := false, !f.seen.exists
	for i := range f.deliveries {
		d := &f.deliveries[i]
		open = open || d.inFlight || d.done != f.seen
		gone = gone && !d.inFlight && !d.done.exists
		if settled && !d.inFlight && d.done != f.seen && d.retry <= now {
			d.inFlight = true
			w.dispatch.queue(job{file: f, delivery: i, before: d.done, now: f.seen, attempt: d.attempts + 1, lost: f.dir.lost})
		}
	}
	if !open {
		f.pending = false
		delete(f.dir.site.pending, f)
	}
	if gone {
		w.forget(f)
	}
}

// The pause after an attempt that failed is twice the one before.
const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

// apply takes the results of handlers.
func (w *Watcher) apply() {
	for _, r := range w.dispatch.results() {
		f := r.job.file
		d := &f.deliveries[r.job.delivery]
		d.inFlight = false
		switch {
		case r.done:
			d.done = r.job.now
			d.attempts, d.retry = 0, 0
			w.cursor.dirty = true
		case r.failed:
			d.attempts = r.job.attempt
			d.retry = w.now().add(min(firstRetry<<min(d.attempts-1, 10), lastRetry))
		default:
			f.since = w.now() // it must settle again
		}
		if !f.pending {
			f.pending = true
			f.dir.site.pending[f] = struct{}{}
		}
		w.evaluate(f)
	}
}

// isDue reports whether a pending file must be checked: it is not settled, or an attempt to
// deliver it is due.
func (f *file) isDue(now instant) bool {
	return slices.ContainsFunc(f.deliveries, func(d delivery) bool { return !d.inFlight && d.retry <= now })
}
