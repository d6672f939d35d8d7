package syftevent

import "context"

// A Handler responds to requests.
//
// The server calls a handler at least once for each request that it does not refuse, and
// calls handlers concurrently. It calls the handler again after the next start if it was
// killed or stopped before it had a response; with [Server.ShareWork], another worker does
// then. A handler whose work must not be repeated should record the request and its response
// together with the work, under the endpoint ([URL.Endpoint]), Sender, ID and Created. If it
// is called again, it returns that response.
//
// While the response to a request is in the reply cache, the handler is not called again,
// even if SyftBox deletes the response or restores the request. The cache holds responses
// for a day, 10,000 at most and 16 MiB in total. When it is full it evicts the oldest,
// first those of senders that use more than a quarter of it. It does not hold a response
// file above 4 MiB: if SyftBox deletes one, the handler is called again, up to three
// times. The cache is also kept in two files in the app's folder, .syftevent-replies-0.tmp
// and -1.tmp, which only the user can read. Each file holds up to 2 MiB of responses per
// sender. Beyond that it records only that a response was published: if SyftBox deletes such
// a response after a restart of the server, the handler is called again. A power loss can
// lose these files. [proc-once] [proc-restart]
//
// A response that cannot be written, because the disk is full for example, is kept in
// memory and retried: 2 MiB per sender, 8 MiB in total. Beyond that the handler is called
// again once the disk has room; until then the sender's other requests wait. If the
// name of one response cannot be used, because a folder has it for example, only that
// request is affected.
//
// An error that is or wraps an [*Error] chooses the response. Any other error, a panic, a
// nil response without an error and a status that clients reject become a response with
// status 500, and are logged. [fail-status]
//
// The context is canceled after [Server.HandlerTimeout], and when a stopping server no
// longer waits (see [Server.Shutdown]). With HandlerTimeout or [Timeout] it is also canceled
// when the handler returns. Without them it is not, unlike in net/http: a handler that starts
// goroutines must end them itself. When the server stops, a response that the handler
// returns within a second is published. If it returns an error, even an [*Error], or keeps
// running, or if HandlerTimeout is set or [Timeout] wraps the handler, the request is left for
// the next start.
type Handler interface {
	ServeSyft(ctx context.Context, req *Request) (*Response, error)
}

// A HandlerFunc is an adapter that lets a function be a [Handler].
type HandlerFunc func(ctx context.Context, req *Request) (*Response, error)

// ServeSyft calls f.
func (f HandlerFunc) ServeSyft(ctx context.Context, req *Request) (*Response, error) {
	return f(ctx, req)
}

// A Middleware wraps a handler in another. It may respond itself, change the request
// that the inner handler gets, or change what that returns. If the inner handler
// returns an error, the server ignores its response, and [errors.As] with an [*Error] finds the
// status. A panic passes through.
//
// A handler that wraps another may have a method
//
//	Unwrap() Handler
//
// that returns the inner one. [GenerateSchema] and [Router.Routes] then find the schema and
// the description of the inner handler; without it they are hidden. The middleware of
// this package and [Describe] have it. Middleware given to [Router.Use] does not need
// it.
type Middleware func(Handler) Handler

// Respond calls the handler and returns the response that a [Server] would
// publish: an [*Error] becomes the response that it describes; any other error, a
// panic, a nil response and a status that clients reject become a 500 with a
// generic text. The error is what the server would log: why a handler failed, or
// the cause of an [*Error]. The response is never nil; its StatusCode may be 0, which a
// server publishes as 200.
//
// Package syfteventtest builds on it; a program that serves uses [Server].
func Respond(ctx context.Context, handler Handler, req *Request) (*Response, error) {
	response, cause, failed := respond(func() (*Response, error) { return handler.ServeSyft(ctx, req) })
	switch {
	case failed != nil:
		return internalError(), failed
	case cause != nil:
		return response, cause
	}
	return response, nil
}
