package syftevent

import "context"

// A Handler answers requests.
//
// It is called at least once for each request. It is called again for one that
// has no response yet: if the server was killed, or stopped before the handler
// had returned, when the server is started again. A handler whose work must not
// be done twice keeps a record of [Request.ID]. [proc-once]
//
// An error of type [*Error] chooses the status of the answer; any other error,
// a panic, and a nil response without an error are answered 500 and logged.
// [fail-status]
//
// The context is cancelled when the server is stopped and the handler has not
// returned within [Server.DrainTimeout]; the request is then left for the next
// start of the server. Handlers are called concurrently.
type Handler interface {
	ServeSyft(ctx context.Context, req *Request) (*Response, error)
}

// A HandlerFunc is a function as a [Handler].
type HandlerFunc func(ctx context.Context, req *Request) (*Response, error)

// ServeSyft calls f.
func (f HandlerFunc) ServeSyft(ctx context.Context, req *Request) (*Response, error) {
	return f(ctx, req)
}

// A Middleware wraps a handler in another: it may answer in its place, change
// what reaches it, or act on what it returns.
type Middleware func(Handler) Handler
