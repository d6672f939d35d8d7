package syftevent

import (
	"errors"
	"fmt"
	"maps"
	"runtime/debug"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// An Error is an error that chooses the response. A handler returns it, or an error that
// wraps it; [Call] returns it for a response with a status of 400 or above, so a handler that
// returns the error of Call passes that response on. Any other error
// that a handler returns becomes a response with status 500 and a generic text, and the
// server logs it.
type Error struct {
	// StatusCode is the status of the response, 400 or above. The server responds
	// with 500, and logs the error, if it is anything else or a status that clients
	// reject (see [Response.StatusCode]).
	StatusCode int
	// Message is the body of the response, as text, unless Body is set. The client
	// sees it.
	Message string
	// Headers are the headers of the response. The server adds a Content-Type if
	// there is none and the body is Message.
	Headers Headers
	// Body replaces Message as the body of the response. Set the Content-Type in
	// Headers along with it. Nil means that the body is Message.
	Body []byte
	// Err is the cause. The server logs it and does not send it. ([Errorf] also puts its text
	// into Message.)
	Err error
}

// Errorf returns an [*Error] whose message is formatted as by [fmt.Errorf]. If format has
// %w, Err is the formatted error, so that [errors.Is] finds the wrapped ones. The client
// sees the whole message. To hide a cause, return an Error with the cause in Err.
func Errorf(status int, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	e := &Error{StatusCode: status, Message: err.Error()}
	switch err.(type) {
	case interface{ Unwrap() error }, interface{ Unwrap() []error }:
		e.Err = err
	}
	return e
}

// Error returns the status, the message, and the cause, unless that has the same text as the
// message.
func (e *Error) Error() string {
	if e.Err == nil || e.Err.Error() == e.Message {
		return fmt.Sprintf("%d: %s", e.StatusCode, e.Message)
	}
	return fmt.Sprintf("%d: %s: %v", e.StatusCode, e.Message, e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// response returns the response that the error asks for.
func (e *Error) response() *Response {
	response := &Response{StatusCode: e.StatusCode, Headers: maps.Clone(e.Headers), Body: e.Body}
	if e.Body == nil {
		response.Body = []byte(e.Message)
		if response.Headers.Get("Content-Type") == "" {
			response.Headers.Set("Content-Type", textContentType)
		}
	}
	return response
}

// textInvalidBody begins the text of a response to a body that does not match its schema.
// Clients of the Python package may match it.
const textInvalidBody = "Invalid request schema: "

// internalError returns the response to a request whose handler failed.
func internalError() *Response { return Text(500, protocol.TextInternalError) }

// A failure says why there is no response of a handler's own.
type failure struct {
	kind    string // the type of the error, or of the value of the panic
	message string
	stack   string // of a panic
	err     error  // what the handler returned; nil if it returned no error
}

func (f *failure) Error() string { return f.message }
func (f *failure) Unwrap() error { return f.err }

// respond calls serve and turns what it returns into a response or a failure. The
// methods of returned values run only here, where a panic is recovered. The cause
// is that of an [*Error], for the log.
func respond(serve func() (*Response, error)) (response *Response, cause, failed *failure) {
	defer func() {
		if p := recover(); p != nil {
			response, cause = nil, nil
			stack := debug.Stack()
			if elsewhere, ok := p.(*panicked); ok {
				p, stack = elsewhere.value, elsewhere.stack
			}
			failed = &failure{kind: fmt.Sprintf("%T", p), message: fmt.Sprintf("panic: %v", p), stack: string(stack)}
		}
	}()
	response, err := serve()
	var chosen *Error
	switch {
	case errors.As(err, &chosen) && chosen != nil && protocol.ValidStatus(chosen.StatusCode) && chosen.StatusCode >= 400:
		if chosen.Err != nil {
			cause = &failure{message: err.Error(), err: err}
		}
		response = chosen.response()
	case err != nil && chosen != nil:
		return nil, nil, &failure{"*syftevent.Error", fmt.Sprintf("error with status %d, want a known status of 400 or above: %s", chosen.StatusCode, chosen.Error()), "", err}
	case err != nil:
		return nil, nil, &failure{fmt.Sprintf("%T", err), err.Error(), "", err}
	case response == nil:
		return nil, nil, &failure{"nil", "handler returned neither a response nor an error", "", nil}
	case !protocol.ValidStatus(statusOf(response)):
		return nil, nil, &failure{"int", fmt.Sprintf("handler returned status %d, which clients reject", response.StatusCode), "", nil}
	}
	if count, size := len(response.Headers), response.Headers.size(); count > wire.MaxHeaders || size > wire.MaxHeaderBytes {
		return nil, nil, &failure{"syftevent.Headers", fmt.Sprintf("handler returned %d headers of %d bytes, which clients reject: the limits are %d and %d", count, size, wire.MaxHeaders, wire.MaxHeaderBytes), "", err}
	}
	return response, cause, nil
}
