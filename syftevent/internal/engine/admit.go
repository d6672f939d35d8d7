package engine

import (
	"path"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
)

// The way of a request, one function a step:
//
//	poll     scans directories, and finds a pending request
//	admit    decides whether this server answers it now, and queues it
//	dispatch lets senders take turns, within the limits
//	handle   reads the request, asks the reply cache, and runs the handler
//	publish  writes the response beside the request, and tells the reply cache

// admit queues a pending request, unless it is another server's or must wait.
func (s *Server) admit(e entry) spool.Verdict {
	if s.paused.Load() {
		return spool.Refused
	}
	// One scan may have missed it.
	if !s.replies.ready(e, time.Now(), 2*s.scanWait+missingPause) {
		return spool.Refused
	}
	where, mine := s.locateRequest(e)
	if !mine {
		return spool.Refused
	}
	if s.workers != nil && s.workers.shared {
		return s.workers.admit(work{entry: e, location: where})
	}
	if !s.dispatcher.add(work{entry: e, location: where}) {
		return spool.NoRoom
	}
	return spool.Taken
}

// maxFileName is the length in bytes of the longest file name on common file systems.
const maxFileName = 255

// locateRequest returns the endpoint and sender of a request, and whether this server
// answers it. An endpoint that is not registered, but whose folder is marked, belongs to
// another server of the same app. [route-unknown]
func (s *Server) locateRequest(e entry) (location, bool) {
	has := s.options.Endpoints().Has
	where, ok := locate(e.Dir, has)
	switch {
	case !ok:
		s.ignore(e.Dir, "not in a sender's folder or an endpoint")
		return where, false
	case len(e.Stem)+len(protocol.ResponseSuffix) > maxFileName:
		s.ignore(path.Join(e.Dir, e.Stem), "name too long for a response")
		return where, false
	case has(where.endpoint), s.folders[where.endpoint]:
		return where, true
	}
	switch marked, err := s.spool.Exists(path.Join("."+where.endpoint, protocol.KeepName)); {
	case err != nil:
		return where, false // offered again
	case marked:
		s.ignore(e.Dir, "endpoint of another server")
		return where, false
	}
	return where, true
}

// maxIgnored bounds the names that are remembered so that each is logged once: senders
// choose them.
const maxIgnored = 10_000

// ignore logs, once per name, that requests there are not answered.
func (s *Server) ignore(name, reason string) {
	if s.ignored[name] {
		return
	}
	if len(s.ignored) == maxIgnored {
		if !s.ignoredFull {
			s.ignoredFull = true
			s.logger.Warn("syftevent: too many ignored requests to log each", "limit", maxIgnored)
		}
		return
	}
	s.ignored[name] = true
	s.logger.Warn("syftevent: request ignored", "path", s.path(name), "reason", reason)
}
