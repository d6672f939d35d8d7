package syftevent

import (
	"context"
	"log/slog"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/engine"
)

// An adapter connects the engine with a router: it turns the engine's request into a
// Request, calls the handler, and turns whatever that returns into an outcome.
type adapter struct {
	app     string
	router  *Router
	timeout time.Duration // Server.HandlerTimeout
	debug   bool          // Server.DebugMode
	logger  *slog.Logger
}

// handle answers a request, or leaves it if the handler was canceled. Nothing that a handler
// returns can end the server: methods of its values are called only in respond, which
// recovers.
func (a *adapter) handle(ctx context.Context, in *engine.Request, out *engine.Outcome) {
	response, failed := a.call(ctx, in, out)
	if failed != nil {
		if ctx.Err() != nil {
			return // left for the next start
		}
		out.Failed = true
		response = a.failed(in, failed)
	}
	out.Response = &engine.Response{StatusCode: statusOf(response), Headers: response.Headers, Body: response.Body}
}

// newRequest returns what a handler of an app gets of a request.
func newRequest(in *engine.Request, app string) *Request {
	u, _ := ParseURL(in.Envelope.URL) // checkURL has accepted it
	// A handler that decides by the URL must see the endpoint, not its %-escapes.
	u, _ = u.resolve(app, in.Endpoint)
	req := &Request{
		ID:             in.ID,
		Sender:         in.Envelope.Sender,
		SenderVerified: in.SenderVerified,
		URL:            u,
		Method:         in.Envelope.Method,
		Headers:        Headers(in.Envelope.Headers),
		Body:           in.Envelope.Body,
		Created:        in.Envelope.Created,
		Expires:        in.Expires,
		Generation:     in.Generation,
		endpoint:       in.Endpoint,
	}
	// Only whoever decrypts a request may set these.
	req.Headers.Del("X-Syft-Decrypted")
	req.Headers.Del("X-Syft-Original-Sender")
	return req
}

// call runs the handler. An *Error becomes the response that it describes. After a timeout
// the handler may still change its request, so the log is about in.
func (a *adapter) call(ctx context.Context, in *engine.Request, out *engine.Outcome) (*Response, *failure) {
	req := newRequest(in, a.app)
	timeout := false
	response, cause, failed := respond(func() (*Response, error) {
		response, err := a.serve(ctx, req, out)
		switch {
		case err != nil && ctx.Err() != nil:
			// Canceled, whatever error the handler made of that.
			return nil, ctx.Err()
		case err == errHandlerTimeout:
			timeout = true
			return timedOut(a.timeout), nil
		}
		return response, err
	})
	switch {
	case timeout:
		out.Failed = true
		a.logger.Error("syftevent: handler timed out", "endpoint", in.Endpoint, "id", in.ID, "sender", in.Envelope.Sender, "timeout", a.timeout)
	case cause != nil:
		a.logger.Info("syftevent: handler returned an error", "endpoint", in.Endpoint, "id", in.ID, "sender", in.Envelope.Sender,
			"status", response.StatusCode, "err", cause.message)
	}
	return response, failed
}

// serve runs the handler within the timeout.
func (a *adapter) serve(ctx context.Context, req *Request, out *engine.Outcome) (*Response, error) {
	if a.timeout <= 0 {
		return a.router.ServeSyft(ctx, req)
	}
	returned, response, err := serveWithin(ctx, a.timeout, a.router, req)
	out.Returned = returned
	return response, err
}

// failed logs why a handler failed and makes the response, which gives no reason unless
// DebugMode is set.
func (a *adapter) failed(in *engine.Request, f *failure) *Response {
	attributes := []any{"endpoint", in.Endpoint, "id", in.ID, "sender", in.Envelope.Sender, "err", f.message}
	if f.stack != "" {
		attributes = append(attributes, "stack", f.stack)
	}
	a.logger.Error("syftevent: handler failed", attributes...)
	if !a.debug {
		return internalError()
	}
	// The members that the Python package uses in its debug mode.
	response, err := JSON(500, struct {
		Type     string `json:"error_type"`
		Message  string `json:"error_message"`
		Function string `json:"function_name"`
		Trace    string `json:"traceback"`
	}{f.kind, f.message, in.Endpoint, f.stack})
	if err != nil { // never: all members are strings
		return internalError()
	}
	return response
}
