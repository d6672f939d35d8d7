package syftevent

import (
	"log/slog"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
)

// look scans for requests until the server is stopped: all directories from time to
// time, in slices, and in between those where something happened lately.
func (s *runningServer) poll() {
	var pace pace
	pace.poll = s.pollInterval
	for !s.stopped() {
		s.refreshLayout()
		began := time.Now()
		all := !began.Before(pace.nextAll)
		recent := !all && !began.Before(pace.nextRecent)
		scan := s.spool.ScanActive
		switch {
		case all:
			scan = s.spool.Scan
		case recent:
			scan = s.spool.ScanRecent
		}
		did := scan(s.admit)
		took := time.Since(began)
		complete := all && pace.scannedSlice(began, took, did)
		s.replies.expire(began)
		if began.Sub(s.flushed) >= logPeriod {
			s.flushed = began
			s.limiter.flush(began, false)
		}
		switch {
		case complete:
			now := time.Now()
			wait := pace.scannedAll(now, s.spool.Believed())
			s.scanWait = wait + now.Sub(pace.began)
			s.counters.looked(pace.began, pace.took, wait)
			s.traced(all, pace.round, pace.took)
		case recent:
			pace.scannedRecent(time.Now(), took)
		}
		if !all {
			s.traced(all, did, took)
		}
		if all && !complete && s.spool.Active() {
			// However long the scan of all takes, the active ones come after each slice.
			began = time.Now()
			active := s.spool.ScanActive(s.admit)
			took = time.Since(began)
			did.Taken += active.Taken
			did.Orphans += active.Orphans
		}
		if did.Orphans > 0 {
			s.counters.add(func(c *Stats) { c.Orphans += did.Orphans })
		}
		pace.sleep(scanResult{
			took: took, found: did.Taken > 0, backlog: s.dispatcher.backlog(),
			active: s.spool.Active(), recent: s.spool.Recent(),
		}, s.activity, s.dispatcher.hungry, s.stopping)
	}
}

// debugVariable, set to "1", makes a server log each look that is at all folders
// or has listed one.
const debugVariable = "SYFTEVENT_DEBUG"

func (s *runningServer) traced(all bool, did spool.Look, took time.Duration) {
	if s.trace && (all || did.Listed > 0) {
		slog.New(s.limiter.next).Info("syftevent: looked", "all", all, "full", did.Full,
			"folders", did.Directories, "listed", did.Listed, "taken", did.Taken, "took", took)
	}
}

// take hands a request on, if it is this server's to answer now.
func (s *runningServer) admit(e entry) spool.Verdict {
	if s.paused.Load() {
		return spool.Refused
	}
	// It may have been passed over by one look.
	if !s.replies.due(e, time.Now(), 2*s.scanWait+missingPause) {
		return spool.Refused
	}
	if s.replies.full(e) && !s.replies.knows(e) {
		return spool.Refused
	}
	where, mine := s.locateRequest(e)
	if !mine {
		return spool.Refused
	}
	if !s.dispatcher.add(work{entry: e, location: where}) {
		return spool.NoRoom
	}
	return spool.Taken
}

// returned hands a request back, of which the server has no more to do.
func (s *runningServer) returned(w work) { s.spool.Done(w.entry) }

// stir tells the looking goroutine that there was activity: a new request, or a
// response, whose reader may send the next request at once.
func (s *runningServer) signalActivity() {
	select {
	case s.activity <- struct{}{}:
	default:
	}
}

// wanted reports whether a request in a folder of "rpc" could be one of this
// server's endpoints.
func (s *runningServer) wanted(dir string) bool {
	if dir == "." {
		return true
	}
	if parent, last := path.Split(dir); seemsAddress(last) {
		dir = parent
	}
	s.followRoutes()
	first, _, _ := strings.Cut(dir, "/")
	if first != "" && len(s.wantedIn.byFirst[first]) == 0 && len(s.wantedIn.byFirst[""]) == 0 {
		return false // the usual case of what senders make up
	}
	wanted, known := s.wantedAs[dir]
	if !known {
		if len(s.wantedAs) >= maxIgnored {
			clear(s.wantedAs)
		}
		wanted = s.wantedIn.leadsTo(cleanEndpoint(dir))
		s.wantedAs[strings.Clone(dir)] = wanted
	}
	return wanted
}

// owner is the sender to whom a folder of "rpc" belongs: by SyftBox's permissions only the
// sender puts files into it, though anybody can make folders in it.
func (s *runningServer) owner(dir string) string {
	if last := dir[strings.LastIndexByte(dir, '/')+1:]; seemsAddress(last) {
		return last
	}
	return ""
}

// own reports whether a folder of "rpc" is an endpoint's that this server makes, or leads
// to one.
func (s *runningServer) own(dir string) bool {
	s.followRoutes()
	return s.ownFolders[dir]
}

// followRoutes makes anew what is derived from the routes if they have changed.
func (s *runningServer) followRoutes() {
	now := s.router.load()
	if now == s.wantedIn {
		return
	}
	s.wantedIn, s.wantedAs, s.ownFolders = now, map[string]bool{}, map[string]bool{}
	for _, endpoint := range now.folders() {
		for dir := strings.TrimPrefix(endpoint, "/"); dir != "" && dir != "."; dir = path.Dir(dir) {
			s.ownFolders[dir] = true
		}
	}
}

// maxFileName is the longest name of a file on the usual file systems, in bytes.
const maxFileName = 255

// whose locates a request, and leaves those that are nobody's, another server's,
// or cannot be answered. An endpoint that is not registered here and whose
// folder is marked, though not by this server, belongs to another server of the
// same app. [route-unknown]
func (s *runningServer) locateRequest(e entry) (location, bool) {
	where, ok := locate(e.Dir, s.router.has)
	switch {
	case !ok:
		s.ignore(e.Dir, "it is in no sender's folder and no endpoint")
		return where, false
	case len(e.Stem)+len(responseSuffix) > maxFileName:
		s.ignore(path.Join(e.Dir, e.Stem), "its name is so long that its response can have none")
		return where, false
	case s.router.has(where.endpoint):
		return where, true
	}
	if s.folders[where.endpoint] {
		return where, true
	}
	switch marked, err := s.spool.Exists(path.Join("."+where.endpoint, keepName)); {
	case err != nil:
		return where, false // offered again
	case marked:
		s.ignore(e.Dir, "its endpoint is another server's")
		return where, false
	}
	return where, true
}

// maxIgnored is how many names are remembered so that they are logged once: whoever
// sends requests chooses them.
const maxIgnored = 10_000

// leave logs once that requests in a folder, or one, are left alone.
func (s *runningServer) ignore(name, reason string) {
	if s.ignored[name] {
		return
	}
	if len(s.ignored) == maxIgnored {
		if !s.ignoredFull {
			s.ignoredFull = true
			s.logger.Warn("syftevent: more requests are left alone than are named", "most", maxIgnored)
		}
		return
	}
	s.ignored[name] = true
	s.logger.Warn("syftevent: leaving a request alone", "path", filepath.Join(s.dir, filepath.FromSlash(name)), "reason", reason)
}
