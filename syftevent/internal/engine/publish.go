package engine

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

func (s *Server) requestPath(w work) string {
	return s.path(w.entry.String() + protocol.RequestSuffix)
}
func (s *Server) responsePath(w work) string {
	return s.path(w.entry.String() + protocol.ResponseSuffix)
}

// newReply returns what is known of a response before the request is decoded.
func (s *Server) newReply(w work) *wire.Response {
	return &wire.Response{
		ID:      w.entry.Stem,
		Sender:  s.options.Email,
		URL:     s.options.URL + w.location.endpoint,
		Expires: time.Now().UTC().Add(wire.DefaultExpiry),
	}
}

// complete encodes the response to a request, logs it in the reply log, and publishes it.
func (s *Server) complete(w work, reply *wire.Response, response *Response) {
	reply.StatusCode = response.StatusCode
	reply.Headers = response.Headers
	reply.Body = response.Body
	reply.Created = time.Now().UTC()
	data := wire.AppendResponse(nil, reply)
	reply.Body = nil // may be large, and publishing takes time
	defer s.useFiles()()
	if len(data) <= maxLoggedReply {
		// Before it is published: a process that is killed in between publishes it
		// after its restart.
		s.replyLog.add(w, data, reply.Created)
		s.publish(w, data)
		return
	}
	// Too large for the log, which only notes that it was published.
	if s.publish(w, data) {
		s.replyLog.add(w, nil, reply.Created)
	} else {
		s.replyLog.abandon(w, reply.Created)
	}
}

// publish writes a response beside its request, tells the reply cache, and reports
// whether it was written.
func (s *Server) publish(w work, response []byte) bool {
	err := rootfs.ErrTaken
	if !s.isOvertaken(&w) {
		err = s.spool.Publish(w.entry, response)
	}
	switch {
	case err == nil:
		s.replies.record(w, outcomePublished, response)
		if s.workers != nil && s.workers.shared && len(response) <= maxLoggedReply {
			s.replyLog.published(w, time.Now())
		}
		s.counters.add(func(f *Figures) { f.Answered++ })
		s.signalActivity()
		return true
	case errors.Is(err, rootfs.ErrTaken):
		s.replies.record(w, outcomeSuperseded, nil)
		s.logger.Warn("syftevent: response dropped", "path", s.responsePath(w), "reason", "already answered by another process")
	default:
		s.notPublished(w, response, err)
	}
	return false
}

// notPublished keeps a response until it can be published, and logs the first failure.
// A nil response was not made yet. A request that is gone may be restored by SyftBox;
// until then its response would be an orphan. An unusable name affects only its request;
// a failure of the file system may affect others.
func (s *Server) notPublished(w work, response []byte, err error) {
	o, level, text := outcomeUnpublished, slog.LevelError, "syftevent: publishing response failed, will retry"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		o, level, text = outcomeAbsent, slog.LevelInfo, "syftevent: request gone, response kept"
	case errors.Is(err, rootfs.ErrName):
		o, level, text = outcomeBlocked, slog.LevelWarn, "syftevent: response name unusable, will retry"
	}
	if s.replies.record(w, o, response) {
		s.logger.Log(context.Background(), level, text, "path", s.responsePath(w), "sender", w.location.sender, "err", err)
	}
}

// republish publishes a response again that is missing although its request is there:
// SyftBox lost the upload. It does not if SyftBox rejected the response, and would again.
// A response in conflict is republished: SyftBox restores it a cycle later, long before
// it is due here, or never. A full synchronization that finds the file at the moment when
// its upload is recorded deletes it on the server.
func (s *Server) republish(w work, a admission) {
	rejected, err := s.spool.HasName(w.entry.Dir, func(name string) bool {
		return strings.HasPrefix(name, w.entry.Stem+".") && strings.HasSuffix(name, protocol.ResponseSuffix) && protocol.IsRejected(name)
	})
	if err != nil {
		return // a later scan finds it again
	}
	if rejected {
		s.replies.postpone(w) // looking for the marker costs a listing
		return
	}
	s.logger.Warn("syftevent: republishing missing response",
		"path", s.responsePath(w), "attempt", a.times+1)
	w.republish = true
	s.publish(w, a.reply)
}
