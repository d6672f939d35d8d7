package syftevent

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// answer brings one request to its response, or leaves it for a later look.
func (s *serving) answer(w work) {
	data, state, err := s.spool.Read(w.entry)
	if err != nil || state == spool.Pending {
		return // gone, or not there yet
	}
	if s.stopped() {
		return // nothing new is begun
	}
	reply := &wire.Response{
		ID:      w.entry.Stem,
		Sender:  s.email,
		URL:     s.folderURL(w.location.endpoint),
		Headers: map[string]string{},
		Expires: time.Now().UTC().Add(wire.DefaultExpiry),
	}
	var response *Response
	if state == spool.TooLarge {
		response = Text(413, fmt.Sprintf("Request larger than %d bytes", s.maxSize))
	} else {
		response = s.respond(w, data, reply)
	}
	if response == nil {
		return // the handler was cancelled
	}
	reply.StatusCode = statusOf(response)
	reply.Headers = response.Headers.clone()
	reply.Body = response.Body
	reply.Created = time.Now().UTC()
	s.publish(w.entry, wire.AppendResponse(nil, reply))
}

func (s *serving) publish(e entry, data []byte) {
	err := s.spool.Publish(e, data)
	path := filepath.Join(s.dir, filepath.FromSlash(e.Dir), e.Stem+responseSuffix)
	switch {
	case err == nil:
	case errors.Is(err, spool.ErrAnswered):
		s.logger.Warn("syftevent: somebody else has answered, the response is dropped", "path", path)
	case errors.Is(err, fs.ErrNotExist):
		s.logger.Warn("syftevent: the request's folder is gone, the response is dropped", "path", path)
	default:
		s.logger.Error("syftevent: publishing failed, the request will be run again", "path", path, "err", err)
	}
}

// folderURL is the URL of an endpoint, for responses to requests that name no
// URL that can be read.
func (s *serving) folderURL(endpoint string) string {
	return URL{Datasite: s.email, Path: "/app_data/" + s.app + "/rpc" + endpoint}.String()
}

// respond checks a request and has it handled. It fills in what the reply takes
// from the request. A nil response means that the request is to be left as it
// is.
func (s *serving) respond(w work, data []byte, reply *wire.Response) *Response {
	envelope, err := wire.DecodeRequest(data)
	if err != nil {
		return Text(400, textUnreadable+err.Error())
	}
	reply.URL = envelope.URL
	if !envelope.Expires.IsZero() {
		reply.Expires = envelope.Expires
	}
	u, refusal := s.check(w, envelope)
	if refusal != nil {
		return refusal
	}
	if envelope.ID != "" {
		reply.ID = wire.CanonicalID(envelope.ID)
	}
	if !envelope.Expires.IsZero() && time.Now().After(envelope.Expires) {
		return Text(419, textExpired)
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
		Expires:        envelope.Expires,
		endpoint:       w.location.endpoint,
	}
	// Only who decrypts a request may say so.
	req.Headers.Del("X-Syft-Decrypted")
	req.Headers.Del("X-Syft-Original-Sender")
	return s.handle(req)
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
func (s *serving) handle(req *Request) *Response {
	response, err := s.call(req)
	if err != nil && s.handlers.Err() != nil {
		s.logger.Warn("syftevent: stopped before the handler was done, the request is left for the next start",
			"endpoint", req.endpoint, "id", req.ID)
		return nil
	}
	var chosen *Error
	switch {
	case errors.As(err, &chosen):
		response = Text(chosen.StatusCode, chosen.Message)
	case err != nil:
		return s.failed(req, err)
	case response == nil:
		return s.failed(req, errors.New("the handler returned no response and no error"))
	}
	if !validStatus(statusOf(response)) {
		return s.failed(req, fmt.Errorf("the handler answered with status %d, which clients reject", response.StatusCode))
	}
	return response
}

// call runs the handler; a panic is an error.
func (s *serving) call(req *Request) (response *Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{p, debug.Stack()}
		}
	}()
	return s.router.ServeSyft(s.handlers, req)
}

// failed logs why a handler failed and makes the answer, which does not tell.
func (s *serving) failed(req *Request, err error) *Response {
	attributes := []any{"endpoint", req.endpoint, "id", req.ID, "sender", req.Sender, "err", err}
	var p *panicError
	if errors.As(err, &p) {
		attributes = append(attributes, "stack", string(p.stack))
	}
	s.logger.ErrorContext(s.handlers, "syftevent: a handler failed", attributes...)
	if s.debug {
		return debugResponse(req, err)
	}
	return &Response{StatusCode: 500, Body: []byte(textInternalError)}
}

// A panicError is a panic of a handler.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func (s *serving) stopped() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

// debugResponse tells how a handler failed, in the members that the Python
// package uses in its debug mode.
func debugResponse(req *Request, err error) *Response {
	detail := struct {
		Type     string `json:"error_type"`
		Message  string `json:"error_message"`
		Function string `json:"function_name"`
		Trace    string `json:"traceback"`
	}{Type: fmt.Sprintf("%T", err), Message: err.Error(), Function: req.endpoint}
	var p *panicError
	if errors.As(err, &p) {
		detail.Type, detail.Trace = fmt.Sprintf("%T", p.value), string(p.stack)
	}
	response, encodeErr := JSON(500, detail)
	if encodeErr != nil {
		return &Response{StatusCode: 500, Body: []byte(textInternalError)}
	}
	return response
}
