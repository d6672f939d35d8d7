package syftevent

import (
	"path"
	"path/filepath"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
)

// look looks for requests until the server is stopped: at all folders from time
// to time, and in between at those where there was something lately.
func (s *serving) look() {
	var pace pace
	pace.poll = s.poll
	for !s.stopped() {
		s.republish()
		began := time.Now()
		all := !began.Before(pace.nextAll)
		scan := s.spool.ScanActive
		if all {
			scan = s.spool.Scan
		}
		did := scan(s.take)
		took := time.Since(began)
		s.traced(all, did, took)
		s.memory.expire(began)
		s.counters.looked(began, took, all)
		if all {
			s.lookWait = pace.lookedAtAll(time.Now(), took, did.Listed, s.spool.Believed())
			s.counters.waits(s.lookWait)
		}
		pace.sleep(glance{took, did.Taken > 0, s.dispatcher.backlog(), s.spool.Active()},
			s.activity, s.dispatcher.hungry, s.stopping)
	}
}

// debugVariable, set to "1", makes a server log each look that is at all folders
// or has listed one.
const debugVariable = "SYFTEVENT_DEBUG"

func (s *serving) traced(all bool, did spool.Look, took time.Duration) {
	if s.trace && (all || did.Listed > 0) {
		s.logger.Info("syftevent: looked", "all", all, "full", did.Full,
			"folders", did.Directories, "listed", did.Listed, "taken", did.Taken, "took", took)
	}
}

// take hands a request on, if it is this server's to answer now.
func (s *serving) take(e entry) spool.Verdict {
	// It may have been passed over by one look.
	if !s.memory.due(e, time.Now(), 2*s.lookWait+missingPause) {
		return spool.Refused
	}
	if s.memory.full() && !s.memory.knows(e) {
		return spool.Refused
	}
	where, mine := s.whose(e)
	if !mine {
		return spool.Refused
	}
	if !s.dispatcher.add(work{entry: e, location: where}) {
		return spool.NoRoom
	}
	return spool.Taken
}

// returned hands a request back, of which the server has no more to do.
func (s *serving) returned(w work) { s.spool.Done(w.entry) }

// stir tells the looking goroutine that there was activity: a new request, or a
// response, whose reader may send the next request at once.
func (s *serving) stir() {
	select {
	case s.activity <- struct{}{}:
	default:
	}
}

// wanted reports whether a request in a folder of "rpc" could be one of this
// server's endpoints.
func (s *serving) wanted(dir string) bool {
	if dir == "." {
		return true
	}
	if parent, last := path.Split(dir); addressPattern.MatchString(last) {
		dir = parent
	}
	if now := s.router.load(); now != s.wantedIn || len(s.wantedAs) >= maxLeft {
		s.wantedIn, s.wantedAs = now, map[string]bool{}
	}
	wanted, known := s.wantedAs[dir]
	if !known {
		wanted = s.wantedIn.leadsTo(cleanEndpoint(dir))
		s.wantedAs[dir] = wanted
	}
	return wanted
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
