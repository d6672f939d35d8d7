package engine

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// process answers one request, or leaves it for a later scan. It runs in a goroutine of
// the dispatcher.
func (s *Server) process(w *work) {
	if w.stolen {
		// It has waited, and its first choice has probably answered it.
		if s.isAnswered(w) {
			return
		}
	}
	data, state, ok := s.read(w)
	if !ok {
		return // gone, incomplete, or parked until its bytes are free
	}
	a := s.replies.admit(*w, time.Now())
	switch a.action {
	case actionWait:
	case actionPublish:
		defer s.useFiles()()
		s.publish(*w, a.reply)
	case actionRepublish:
		defer s.useFiles()()
		s.republish(*w, a)
	default:
		if s.mayRun(w, a) && s.claim(w) {
			s.run(w, data, state)
		}
	}
}

// mayRun reports whether the response to a request could be published.
func (s *Server) mayRun(w *work, a admission) bool {
	switch a.action {
	case actionRunWithName:
		if s.spool.Usable(w.entry, true) != nil {
			return false
		}
	case actionRunWithRoom:
		if s.spool.Room(w.entry, a.lost) != nil {
			return false
		}
	default:
		// A process that was restarted would run again what was answered just before. Workers
		// ask when they have claimed the request.
		if !s.spool.Trusted() && !s.sharesWork() && s.isAnswered(w) {
			return false
		}
		if err := s.spool.Usable(w.entry, false); errors.Is(err, rootfs.ErrName) {
			s.notPublished(*w, nil, err)
			return false
		}
	}
	return !s.stopped() && !s.paused.Load()
}

// answeredPause is the time after which a request is offered again that has a response which no
// listing has shown. Most listings are not so old.
const answeredPause = 5 * time.Second

// isAnswered reports whether a request has a response that no listing has shown yet, or whether
// that is unknown. If so, it sets when the request is offered again.
func (s *Server) isAnswered(w *work) bool {
	answered, err := s.spool.HasOutput(w.entry)
	switch {
	case err != nil:
		w.later = time.Now().Add(claimRetry)
	case answered:
		w.later = time.Now().Add(answeredPause)
	}
	return answered || err != nil
}

// run makes the response to a request and publishes it, unless the handler was stopped.
func (s *Server) run(w *work, data []byte, state spool.State) {
	s.signalActivity()
	reply := s.newReply(*w)
	if !s.replyLog.begin(*w, time.Now()) {
		s.complete(*w, reply, s.refusePoison(*w))
		return
	}
	response := s.respond(w, state, data, reply)
	if response == nil {
		s.replyLog.abandon(*w, time.Now())
		return
	}
	s.complete(*w, reply, response)
}

// useFiles waits for one of the slots for reading and writing files, and returns the
// function that frees it. There are as many slots as Concurrency: requests of the
// reserve need no more descriptors and threads than these.
func (s *Server) useFiles() (end func()) {
	s.fileSlots <- struct{}{}
	return func() { <-s.fileSlots }
}

// read reads a request. A large one must hold bytes of the budget first.
func (s *Server) read(w *work) (data []byte, state spool.State, ok bool) {
	defer s.useFiles()()
	most := max(smallRequest, w.bytes/bytesPerByte)
	if w.bytes > 0 && w.bytes == s.dispatcher.limits.bytes {
		most = s.options.MaxSize // it holds the whole budget, however large it is
	}
	data, state, err := s.spool.Read(w.entry, most)
	if err == nil && state == spool.Larger && w.bytes == 0 {
		if most, err = s.spool.Size(w.entry); err == nil && s.dispatcher.takeBytes(w, most) {
			data, state, err = s.spool.Read(w.entry, most)
		}
	}
	if err != nil || state == spool.Incomplete || state == spool.Larger {
		return nil, state, false
	}
	w.sum = sha256.Sum256(data)
	s.keepSenderDir(*w)
	return data, state, true
}

// keepSenderDir puts a .syftkeep into a sender's directory, before the client removes
// its files. SyftBox prunes a directory that it has emptied, and never watches another
// one of the same path: until SyftBox is restarted, responses there travel only with
// its full synchronization. [layout-keep-sender]
func (s *Server) keepSenderDir(w work) {
	if w.location.sender == "" {
		return
	}
	if err := s.spool.Mark(w.entry.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.logger.Warn("syftevent: marking sender folder failed", "path", s.path(w.entry.Dir), "err", err)
	}
}

// respond makes the response to a request that was read, or nil if the request is left
// for the next start.
func (s *Server) respond(w *work, state spool.State, data []byte, reply *wire.Response) *Response {
	var req *Request
	var refusal *Response
	if state == spool.TooLarge {
		refusal = textResponse(413, fmt.Sprintf("Request larger than %d bytes", s.options.MaxSize))
	} else {
		req, refusal = s.check(*w, data, reply)
	}
	if refusal != nil {
		s.counters.add(func(f *Figures) { f.Refused++ })
		s.logger.Info("syftevent: request refused", "path", s.requestPath(*w), "sender", w.location.sender,
			"status", refusal.StatusCode, "reason", string(refusal.Body))
		s.refused(*w, refusal)
		return refusal
	}
	req.Generation = w.generation
	if !s.isClaimed(w) {
		return nil
	}
	var outcome Outcome
	defer func() { w.handler = outcome.Returned }()
	s.options.Handle(s.handlers, req, &outcome)
	if outcome.Failed {
		s.counters.add(func(f *Figures) { f.Failed++ })
	}
	if outcome.Response == nil {
		s.logger.Warn("syftevent: handler canceled, request left for the next start",
			"path", s.requestPath(*w), "endpoint", req.Endpoint, "id", req.ID, "sender", req.Envelope.Sender)
	}
	return outcome.Response
}

// refused calls Options.OnRefuse.
func (s *Server) refused(w work, response *Response) {
	if s.options.OnRefuse == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			s.logger.Error("syftevent: OnRefuse panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	s.options.OnRefuse(s.handlers, Refusal{
		ID: w.entry.Stem, Sender: w.location.sender, SenderVerified: w.location.sender != "",
		Endpoint: w.location.endpoint, StatusCode: response.StatusCode, Reason: string(response.Body),
	})
}

// crashed answers a request whose handler ended its goroutine, unless the handler was
// canceled.
func (s *Server) crashed(w *work) {
	if s.handlers.Err() != nil {
		return
	}
	s.counters.add(func(f *Figures) { f.Failed++ })
	s.complete(*w, s.newReply(*w), internalError())
}

// ended hands a request back to the spool when it is no longer in flight.
func (s *Server) ended(w work) {
	if !w.later.IsZero() {
		s.spool.Postpone(w.entry, w.later)
		return
	}
	s.spool.Done(w.entry)
}

func (s *Server) stopped() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}
