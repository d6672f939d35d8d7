package syftevent

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// answer brings one request to its response, or leaves it for a later look.
func (s *serving) answer(w *work) {
	data, state, err := s.spool.Read(w.entry)
	if err != nil || state == spool.Pending {
		return // gone, or not there yet
	}
	w.sum = sha256.Sum256(data)
	switch course, response := s.memory.course(*w, time.Now()); course {
	case courseNew:
		if s.memory.full() {
			return // what it returns could not be kept
		}
	case courseKept:
		s.publish(*w, response)
		return
	case courseVanished:
		s.publishAgain(*w, response)
		return
	case courseLeave:
		return
	}
	if s.stopped() {
		return // nothing new is begun
	}
	s.stir()
	reply := s.newReply(*w)
	if response := s.respond(*w, state, data, reply); response != nil {
		s.complete(*w, reply, response)
	}
}

// crashed answers a request whose handler has ended its goroutine, say, unless it
// was cut short.
func (s *serving) crashed(w *work) {
	if s.handlers.Err() != nil {
		return
	}
	s.counters.add(func(c *Stats) { c.Failed++ })
	s.complete(*w, s.newReply(*w), &Response{StatusCode: 500, Body: []byte(textInternalError)})
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
	s.publish(w, wire.AppendResponse(nil, reply))
}

// respond makes the response to what was read, nil if the request is to be left.
func (s *serving) respond(w work, state spool.State, data []byte, reply *wire.Response) *Response {
	var req *Request
	refusal := Text(413, fmt.Sprintf("Request larger than %d bytes", s.maxSize))
	if state != spool.TooLarge {
		req, refusal = s.accept(w, data, reply)
	}
	if refusal != nil {
		s.counters.add(func(c *Stats) { c.Refused++ })
		s.logger.Info("syftevent: refused a request", "path", filepath.Join(s.dir, filepath.FromSlash(w.entry.String())+requestSuffix),
			"status", refusal.StatusCode, "reason", string(refusal.Body))
		return refusal
	}
	return s.handle(req)
}

// publish writes a response, or keeps it until that succeeds. A request that is
// gone meanwhile may be brought back by SyftBox; until then its response would
// stand alone.
func (s *serving) publish(w work, response []byte) {
	err := s.spool.Publish(w.entry, response)
	name := filepath.Join(s.dir, filepath.FromSlash(w.entry.String())+responseSuffix)
	switch {
	case err == nil:
		s.memory.remember(w, response)
		s.counters.add(func(c *Stats) { c.Answered++ })
		s.stir()
		return
	case errors.Is(err, spool.ErrAnswered):
		s.logger.Warn("syftevent: somebody else has answered, the response is dropped", "path", name)
	case !s.memory.keep(w, response, errors.Is(err, fs.ErrNotExist)):
		return // it was logged
	case errors.Is(err, fs.ErrNotExist):
		s.logger.Info("syftevent: a request is gone, its response is kept in case it comes back", "path", name)
		return
	default:
		s.logger.Error("syftevent: a response cannot be written, will be tried again", "path", name, "err", err)
		return
	}
	s.memory.drop(w.entry)
}

// publishAgain publishes a response again that has vanished while its request
// stands, as SyftBox lets it when it loses an upload: unless SyftBox has refused the
// response, or found it in conflict, and would again. A mark on the request is no
// hindrance: the request that stands here has come back since.
func (s *serving) publishAgain(w work, response []byte) {
	names, err := s.spool.Names(w.entry.Dir)
	if err != nil {
		return // looked at again
	}
	for _, name := range names {
		if strings.HasPrefix(name, w.entry.Stem+".") && strings.HasSuffix(name, responseSuffix) && isMarked(name) {
			return
		}
	}
	s.logger.Warn("syftevent: a response has vanished and is published again",
		"path", filepath.Join(s.dir, filepath.FromSlash(w.entry.String())+responseSuffix), "time", s.memory.again(w), "of", maxRepublished)
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
	if !addressPattern.MatchString(envelope.Sender) {
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
func (s *serving) handle(req *Request) *Response {
	response, failure := s.call(req)
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

// A failure is how a handler failed, for the log and the debug mode.
type failure struct {
	kind    string // the type of the error or of the panic's value
	message string
	stack   string // of a panic
}

// call runs the handler. An *Error becomes the response that it chooses.
func (s *serving) call(req *Request) (response *Response, failed *failure) {
	defer func() {
		if p := recover(); p != nil {
			response, failed = nil, &failure{fmt.Sprintf("%T", p), fmt.Sprintf("panic: %v", p), string(debug.Stack())}
		}
	}()
	response, err := s.router.ServeSyft(s.handlers, req)
	var chosen *Error
	switch {
	case err != nil && s.handlers.Err() != nil:
		// Cut short, whatever the handler makes of it.
		return nil, &failure{kind: fmt.Sprintf("%T", err), message: err.Error()}
	case errors.As(err, &chosen) && chosen != nil && validStatus(chosen.StatusCode) && chosen.StatusCode >= 400:
		return Text(chosen.StatusCode, chosen.Message), nil
	case err != nil && chosen != nil:
		return nil, &failure{"*syftevent.Error", fmt.Sprintf("an error with status %d, want a known one of 400 or above: %s", chosen.StatusCode, chosen.Message), ""}
	case err != nil:
		return nil, &failure{fmt.Sprintf("%T", err), err.Error(), ""}
	case response == nil:
		return nil, &failure{"nil", "the handler returned no response and no error", ""}
	case !validStatus(statusOf(response)):
		return nil, &failure{"int", fmt.Sprintf("the handler answered with status %d, which clients reject", response.StatusCode), ""}
	}
	return response, nil
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
		return &Response{StatusCode: 500, Body: []byte(textInternalError)}
	}
	// The members that the Python package uses in its debug mode.
	response, err := JSON(500, struct {
		Type     string `json:"error_type"`
		Message  string `json:"error_message"`
		Function string `json:"function_name"`
		Trace    string `json:"traceback"`
	}{f.kind, f.message, req.endpoint, f.stack})
	if err != nil { // of strings: never
		return &Response{StatusCode: 500, Body: []byte(textInternalError)}
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
