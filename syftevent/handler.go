package syftevent

import "context"

// A Handler responds to requests.
//
// It is called at least once per request. It is called again, after the next start, for
// a request without a response when the server was killed, or stopped before the handler
// returned. A request that was answered within the last day is not run again, even if
// SyftBox deletes the response or brings the request back: the reply cache holds 10,000
// responses of 16 MiB in total, in memory and in two files beside the folder of the app's
// requests. One sender gets more than a quarter of the memory only while others leave
// room. A power loss may lose the files.
//
// A response that cannot be written, because the disk is full for example, is kept in
// memory and retried: 2 MiB per sender, 8 MiB in total. Beyond that the handler is called
// again once the disk has room; until then the sender's other requests wait. If the
// name of one response cannot be used, because a folder has it for example, only that
// request is affected; its handler is not called again meanwhile. A handler whose work
// must not be repeated records [Request.ID]. [proc-once] [proc-restart]
//
// An error of type [*Error] chooses the status of the response. Any other error, a
// panic, and a nil response without an error become a 500 and are logged. [fail-status]
//
// The context is cancelled if the server is stopped and the handler has not returned
// within [Server.DrainTimeout]; the request is then left for the next start. Handlers
// are called concurrently.
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
// that the inner handler gets, or change what that returns.
//
// A handler that wraps another may have a method
//
//	Unwrap() Handler
//
// that returns the inner one. [GenerateSchema] and [Route] then find the schema and
// the description of the inner handler; without it they are hidden. The middleware of
// this package and [Describe] have it. Middleware given to [Router.Use] does not need
// it.
type Middleware func(Handler) Handler

// Respond calls the handler and returns the response that a [Server] would
// publish: an [*Error] becomes the response that it asks for; any other error, a
// panic, a nil response and a status that clients reject become a 500 with a
// generic text. The error is what the server would log: why a handler failed, or
// the cause of an [*Error]. The response is never nil.
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
