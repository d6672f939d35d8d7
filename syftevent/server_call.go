package syftevent

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// handle runs the handler and turns whatever it returns into a response, or nil if the
// handler was cancelled. Nothing that a handler returns can end the server: methods of
// its values are called only in call, which recovers.
func (s *runningServer) handle(w *work, req *Request) *Response {
	response, failure := s.call(w, req)
	if failure != nil && s.handlers.Err() != nil {
		s.logger.Warn("syftevent: handler cancelled, request left for the next start",
			"path", s.requestPath(*w), "endpoint", req.endpoint, "id", req.ID, "sender", req.Sender)
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
func (s *runningServer) call(w *work, req *Request) (response *Response, failed *failure) {
	defer func() {
		if p := recover(); p != nil {
			response, failed = nil, &failure{fmt.Sprintf("%T", p), fmt.Sprintf("panic: %v", p), string(debug.Stack())}
		}
	}()
	response, err := s.serve(w, req)
	var chosen *Error
	switch {
	case err != nil && s.handlers.Err() != nil:
		// Cancelled, whatever error the handler made of that.
		return nil, &failure{kind: fmt.Sprintf("%T", err), message: err.Error()}
	case err == errHandlerTimeout:
		s.counters.add(func(c *Stats) { c.Failed++ })
		s.logger.Error("syftevent: handler timed out", "endpoint", req.endpoint, "id", req.ID, "sender", req.Sender, "timeout", s.handlerTimeout)
		return timedOut(s.handlerTimeout), nil
	case errors.As(err, &chosen) && chosen != nil && validStatus(chosen.StatusCode) && chosen.StatusCode >= 400:
		return Text(chosen.StatusCode, chosen.Message), nil
	case err != nil && chosen != nil:
		return nil, &failure{"*syftevent.Error", fmt.Sprintf("error with status %d, want a known status of 400 or above: %s", chosen.StatusCode, chosen.Message), ""}
	case err != nil:
		return nil, &failure{fmt.Sprintf("%T", err), err.Error(), ""}
	case response == nil:
		return nil, &failure{"nil", "handler returned neither response nor error", ""}
	case !validStatus(statusOf(response)):
		return nil, &failure{"int", fmt.Sprintf("handler returned status %d, which clients reject", response.StatusCode), ""}
	}
	return response, nil
}

// serve runs the handler within HandlerTimeout.
func (s *runningServer) serve(w *work, req *Request) (*Response, error) {
	if s.handlerTimeout <= 0 {
		return s.router.ServeSyft(s.handlers, req)
	}
	returned, response, err := serveWithin(s.handlers, s.handlerTimeout, s.router, req)
	w.handler = returned
	return response, err
}

// failed logs why a handler failed and makes the response, which gives no reason unless
// DebugMode is set.
func (s *runningServer) failed(req *Request, f *failure) *Response {
	s.counters.add(func(c *Stats) { c.Failed++ })
	attributes := []any{"endpoint", req.endpoint, "id", req.ID, "sender", req.Sender, "err", f.message}
	if f.stack != "" {
		attributes = append(attributes, "stack", f.stack)
	}
	s.logger.Error("syftevent: handler failed", attributes...)
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
	if err != nil { // never: all members are strings
		return &Response{StatusCode: 500, Body: []byte(textInternalError)}
	}
	return response
}
