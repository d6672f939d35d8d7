package syftevent

import (
	"path"
	"path/filepath"
	"time"
)

// Waits between two looks begin here after a request was found, and double up
// to the poll interval.
const shortestWait = time.Millisecond

// look looks for requests until the server is stopped.
func (s *serving) look() {
	wait := s.poll
	for !s.stopped() {
		s.republish()
		s.dispatcher.beginLook()
		began := time.Now()
		entries := s.spool.Scan()
		took := time.Since(began)
		s.counters.looked(began, took)
		s.unpublished.retain(entries, began)
		if s.dispatch(entries) {
			wait = shortestWait
		} else {
			wait = min(2*wait, s.poll)
		}
		// Looking never takes more than a third of the time.
		select {
		case <-time.After(max(wait, 2*took)):
		case <-s.stopping:
		}
	}
}

// dispatch hands on the requests that are new, and reports whether there are any.
func (s *serving) dispatch(entries []entry) (found bool) {
	now := time.Now()
	for _, e := range entries {
		if !s.unpublished.due(e, now) {
			continue
		}
		where, mine := s.whose(e)
		if mine && s.dispatcher.add(work{entry: e, location: where}) {
			found = true
		}
	}
	return found
}

// maxFileName is the longest name of a file on the usual file systems, in bytes.
const maxFileName = 255

// whose locates a request, and leaves those that are nobody's, another server's,
// or cannot be answered. An endpoint that is not registered here and whose
// folder is marked, though not by this server, belongs to another server of the
// same app. [route-unknown]
func (s *serving) whose(e entry) (location, bool) {
	where, ok := locate(e.Dir, s.router.has)
	switch {
	case !ok:
		s.leave(e.Dir, "it is in no sender's folder and no endpoint")
		return where, false
	case len(e.Stem)+len(responseSuffix) > maxFileName:
		s.leave(path.Join(e.Dir, e.Stem), "its name is so long that its response can have none")
		return where, false
	case s.router.has(where.endpoint):
		return where, true
	}
	if !s.folders[where.endpoint] && s.spool.Exists(path.Join("."+where.endpoint, keepName)) {
		s.leave(e.Dir, "its endpoint is another server's")
		return where, false
	}
	return where, true
}

// maxLeft is how many names are remembered so that they are logged once: whoever
// sends requests chooses them.
const maxLeft = 10_000

// leave logs once that requests in a folder, or one, are left alone.
func (s *serving) leave(name, reason string) {
	if s.left[name] {
		return
	}
	if len(s.left) == maxLeft {
		clear(s.left)
	}
	s.left[name] = true
	s.logger.Warn("syftevent: leaving a request alone", "path", filepath.Join(s.dir, filepath.FromSlash(name)), "reason", reason)
}
