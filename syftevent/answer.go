package syftevent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// answer brings one request to its response, or leaves it for a later look.
func (s *serving) answer(w *work) {
	data, state, ok := s.read(w)
	if !ok {
		return // gone, not there yet, or to be run anew with more bytes
	}
	switch course, response := s.memory.course(*w, time.Now()); course {
	case courseNew:
		if s.memory.full(w.entry) {
			s.memory.postpone(w.entry, time.Now()) // what it returns could not be kept
			return
		}
		if err := s.spool.Usable(w.entry, false); errors.Is(err, spool.ErrName) {
			s.keep(*w, nil, err) // not run at all
			return
		}
	case courseName:
		if s.spool.Usable(w.entry, true) != nil {
			return
		}
	case courseRoom:
		if s.spool.Room(w.entry, s.memory.lost(w.entry)) != nil {
			return
		}
	case courseKept:
		defer s.useFiles()()
		s.publish(*w, response)
		return
	case courseVanished:
		defer s.useFiles()()
		s.publishAgain(*w, response)
		return
	case courseLeave:
		return
	}
	if s.stopped() || s.paused.Load() {
		return // nothing new is begun
	}
	s.stir()
	reply := s.newReply(*w)
	if !s.replies.attempt(*w, time.Now()) {
		s.complete(*w, reply, s.poisonous(*w))
		return
	}
	response := s.respond(w, state, data, reply)
	if response == nil {
		s.replies.left(*w, time.Now())
		return
	}
	s.complete(*w, reply, response)
}

// useFiles waits until one more goroutine may read and write files, and returns what
// ends that. As many may as there are shared handlers: the requests of the reserve
// take no more descriptors and threads than these.
func (s *serving) useFiles() (end func()) {
	s.files <- struct{}{}
	return func() { <-s.files }
}

// read reads a request, once it holds bytes of the budget if it is large.
func (s *serving) read(w *work) (data []byte, state spool.State, ok bool) {
	defer s.useFiles()()
	most := max(smallRequest, w.bytes/bytesPerByte)
	if w.bytes > 0 && w.bytes == s.dispatcher.limits.bytes {
		most = s.maxSize // it runs alone, however large it is
	}
	data, state, err := s.spool.Read(w.entry, most)
	if err == nil && state == spool.Larger && w.bytes == 0 {
		if most, err = s.spool.Size(w.entry); err == nil && s.dispatcher.takeBytes(w, most) {
			data, state, err = s.spool.Read(w.entry, most)
		}
	}
	if err != nil || state == spool.Pending || state == spool.Larger {
		return nil, state, false
	}
	w.sum = sha256.Sum256(data)
	s.keepSender(*w)
	return data, state, true
}

// keepSender puts a .syftkeep into the directory of a sender, before the client
// removes what is in it: SyftBox prunes a directory that it has emptied, and never
// watches one of the same path again. Responses there would travel with the full
// synchronization until SyftBox is restarted. [layout-keep-sender]
func (s *serving) keepSender(w work) {
	if w.location.sender == "" {
		return
	}
	if err := s.spool.Mark(w.entry.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.logger.Warn("syftevent: marking the directory of a sender failed", "path", filepath.Join(s.dir, filepath.FromSlash(w.entry.Dir)), "err", err)
	}
}

// crashed answers a request whose handler has ended its goroutine, say, unless it
// was cut short.
func (s *serving) crashed(w *work) {
	if s.handlers.Err() != nil {
		return
	}
	s.counters.add(func(c *Stats) { c.Failed++ })
	s.complete(*w, s.newReply(*w), internalError())
}

// newReply is what is known of a response before the request was read.
func (s *serving) newReply(w work) *wire.Response {
	return &wire.Response{
		ID:      w.entry.Stem,
		Sender:  s.email,
		URL:     URL{Datasite: s.email, Path: "/app_data/" + s.app + "/rpc" + w.location.endpoint}.String(),
		Expires: time.Now().UTC().Add(wire.DefaultExpiry),
	}
}

// complete gives a reply what the handler has chosen, and publishes it.
func (s *serving) complete(w work, reply *wire.Response, response *Response) {
	reply.StatusCode = statusOf(response)
	reply.Headers = response.Headers
	reply.Body = response.Body
	reply.Created = time.Now().UTC()
	data := wire.AppendResponse(nil, reply)
	reply.Body = nil // may be large, and publishing takes time
	defer s.useFiles()()
	// Before it is published: a process that is killed in between publishes it after
	// its restart. Of one that is too large to be logged, only that it is published.
	small := len(data) <= maxLoggedReply
	if small {
		s.replies.add(w, data, reply.Created)
	}
	switch published := s.publish(w, data); {
	case small:
	case published:
		s.replies.add(w, nil, reply.Created)
	default:
		s.replies.left(w, reply.Created)
	}
}

// respond makes the response to what was read, nil if the request is to be left.
func (s *serving) respond(w *work, state spool.State, data []byte, reply *wire.Response) *Response {
	var req *Request
	refusal := Text(413, fmt.Sprintf("Request larger than %d bytes", s.maxSize))
	if state != spool.TooLarge {
		req, refusal = s.accept(*w, data, reply)
	}
	if refusal != nil {
		s.counters.add(func(c *Stats) { c.Refused++ })
		s.logger.Info("syftevent: refused a request", "path", filepath.Join(s.dir, filepath.FromSlash(w.entry.String())+requestSuffix),
			"status", refusal.StatusCode, "reason", string(refusal.Body))
		s.refused(*w, refusal)
		return refusal
	}
	return s.handle(w, req)
}

// refused calls Server.OnRefuse.
func (s *serving) refused(w work, response *Response) {
	if s.onRefuse == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			s.logger.Error("syftevent: OnRefuse panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	s.onRefuse(s.handlers, Refusal{
		ID: w.entry.Stem, Sender: w.location.sender, SenderVerified: w.location.sender != "",
		Endpoint: w.location.endpoint, StatusCode: response.StatusCode, Reason: string(response.Body),
	})
}

// publish writes a response, or keeps it until that succeeds, and reports whether it
// is written. A request that is gone meanwhile may be brought back by SyftBox; until
// then its response would stand alone. An unusable name
// affects only its request; a failure of the file system may delay others.
func (s *serving) publish(w work, response []byte) bool {
	err := s.spool.Publish(w.entry, response)
	switch {
	case err == nil:
		s.memory.remember(w, response)
		s.counters.add(func(c *Stats) { c.Answered++ })
		s.stir()
		return true
	case errors.Is(err, spool.ErrAnswered):
		s.logger.Warn("syftevent: somebody else has answered, the response is dropped", "path", s.responsePath(w))
		s.memory.drop(w.entry)
	default:
		s.keep(w, response, err)
	}
	return false
}

// keep keeps a response that could not be published until that is tried again, and logs
// the first failure. No response is one that was not made.
func (s *serving) keep(w work, response []byte, err error) {
	in, level, text := &s.memory.unpublished, slog.LevelError, "syftevent: a response cannot be written, will be tried again"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		in, level, text = &s.memory.awaited, slog.LevelInfo, "syftevent: a request is gone, its response is kept in case it comes back"
	case errors.Is(err, spool.ErrName):
		in, level, text = &s.memory.blocked, slog.LevelWarn, "syftevent: response name cannot be used"
	}
	if s.memory.keep(w, response, in) {
		s.logger.Log(context.Background(), level, text, "path", s.responsePath(w), "err", err)
	}
}

func (s *serving) responsePath(w work) string {
	return filepath.Join(s.dir, filepath.FromSlash(w.entry.String())+responseSuffix)
}

// publishAgain publishes a response again that has vanished while its request stands,
// as SyftBox lets it when it loses an upload: unless SyftBox has refused the response,
// and would again. What it found in conflict it brings back a cycle later, long before
// the response is due here, or never: a full synchronization that finds the file at
// the moment when its upload is noted deletes it on the server.
func (s *serving) publishAgain(w work, response []byte) {
	names, err := s.spool.Names(w.entry.Dir)
	if err != nil {
		return // looked at again
	}
	for _, name := range names {
		if strings.HasPrefix(name, w.entry.Stem+".") && strings.HasSuffix(name, responseSuffix) && isRejected(name) {
			return
		}
	}
	s.logger.Warn("syftevent: a response has vanished and is published again",
		"path", s.responsePath(w), "time", s.memory.again(w), "of", maxRepublished)
	s.publish(w, response)
}

// accept checks a request, and makes of it what its handler is given or the
// response that refuses it. It fills in what the reply takes from the request.
func (s *serving) accept(w work, data []byte, reply *wire.Response) (*Request, *Response) {
	envelope, err := wire.DecodeRequest(data)
	if err != nil {
		return nil, Text(400, textUnreadable+err.Error())
	}
	reply.URL = envelope.URL
	if !envelope.Expires.IsZero() {
		reply.Expires = envelope.Expires
	}
	u, refusal := s.check(w, envelope)
	if refusal != nil {
		return nil, refusal
	}
	if envelope.ID != "" {
		reply.ID = wire.CanonicalID(envelope.ID)
	}
	if time.Now().After(reply.Expires) {
		return nil, Text(419, textExpired)
	}
	req := &Request{
		ID:             w.entry.Stem,
		Sender:         envelope.Sender,
		SenderVerified: w.location.sender != "",
		URL:            u,
		Method:         envelope.Method,
		Headers:        Headers(envelope.Headers),
		Body:           envelope.Body,
		Created:        envelope.Created,
		Expires:        reply.Expires,
		endpoint:       w.location.endpoint,
	}
	// Only who decrypts a request may say so.
	req.Headers.Del("X-Syft-Decrypted")
	req.Headers.Del("X-Syft-Original-Sender")
	return req, nil
}

// check compares what the file says of itself with where it lies, which is all
// that SyftBox's permissions protect. [identity-sender] [identity-id]
// [identity-url]
func (s *serving) check(w work, envelope *wire.Request) (URL, *Response) {
	if w.location.sender != "" && envelope.Sender != w.location.sender {
		return URL{}, Text(403, "The sender is not the one in whose folder the request lies")
	}
	if !isAddress(envelope.Sender) {
		return URL{}, Text(400, textUnreadable+`field "sender": must be an e-mail address`)
	}
	if envelope.ID != "" && wire.CanonicalID(envelope.ID) != wire.CanonicalID(w.entry.Stem) {
		return URL{}, Text(400, textUnreadable+`field "id": must be the name of the file`)
	}
	u, err := ParseURL(envelope.URL)
	if err != nil {
		return URL{}, Text(400, textUnreadable+`field "url": must be a syft:// address`)
	}
	if !u.leadsTo(s.email, s.app, w.location.endpoint) {
		return URL{}, Text(400, textUnreadable+`field "url": must lead to the endpoint in whose folder the request lies`)
	}
	return u, nil
}

// handle runs the handler and gives whatever it returns the form of a response.
// Nothing that a handler returns can end the server: its values' own methods are
// called only in call.
func (s *serving) handle(w *work, req *Request) *Response {
	response, failure := s.call(w, req)
	if failure != nil && s.handlers.Err() != nil {
		s.logger.Warn("syftevent: stopped before the handler was done, the request is left for the next start",
			"endpoint", req.endpoint, "id", req.ID)
		return nil
	}
	if failure != nil {
		return s.failed(req, failure)
	}
	return response
}

// call runs the handler. An *Error becomes the response that it asks for.
func (s *serving) call(w *work, req *Request) (*Response, *failure) {
	timeout := false
	response, cause, failed := respond(func() (*Response, error) {
		response, err := s.serve(w, req)
		switch {
		case err != nil && s.handlers.Err() != nil:
			// Cancelled by the server, whatever the handler makes of it.
			return nil, s.handlers.Err()
		case err == errHandlerTimeout:
			timeout = true
			return timedOut(s.handlerTimeout), nil
		}
		return response, err
	})
	switch {
	case timeout:
		s.counters.add(func(c *Stats) { c.Failed++ })
		s.logger.Error("syftevent: a handler did not return in time", "endpoint", req.endpoint, "id", req.ID, "sender", req.Sender, "timeout", s.handlerTimeout)
	case cause != nil:
		s.logger.Info("syftevent: handler returned an error", "endpoint", req.endpoint, "id", req.ID, "sender", req.Sender,
			"status", response.StatusCode, "err", cause.message)
	}
	return response, failed
}

// serve runs the handler, within the time that it may take.
func (s *serving) serve(w *work, req *Request) (*Response, error) {
	if s.handlerTimeout <= 0 {
		return s.router.ServeSyft(s.handlers, req)
	}
	returned, response, err := serveWithin(s.handlers, s.handlerTimeout, s.router, req)
	w.handler = returned
	return response, err
}

// failed logs why a handler failed and makes the answer, which does not tell.
func (s *serving) failed(req *Request, f *failure) *Response {
	s.counters.add(func(c *Stats) { c.Failed++ })
	attributes := []any{"endpoint", req.endpoint, "id", req.ID, "sender", req.Sender, "err", f.message}
	if f.stack != "" {
		attributes = append(attributes, "stack", f.stack)
	}
	s.logger.Error("syftevent: a handler failed", attributes...)
	if !s.debug {
		return internalError()
	}
	// The members that the Python package uses in its debug mode.
	response, err := JSON(500, struct {
		Type     string `json:"error_type"`
		Message  string `json:"error_message"`
		Function string `json:"function_name"`
		Trace    string `json:"traceback"`
	}{f.kind, f.message, req.endpoint, f.stack})
	if err != nil { // of strings: never
		return internalError()
	}
	return response
}

func (s *serving) stopped() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}
