package syftevent

import "context"

// A Handler answers requests.
//
// It is called at least once for each request. It is called again for one that had
// no response when the server was killed, or stopped before the handler returned,
// after the next start. What was answered within the last day is not run again,
// though SyftBox may delete the response or bring the request again: of that the
// server remembers 10,000 responses, 16 MiB at most, in memory and in two files
// beside the folder of the app's requests. In memory a sender can have more than a
// quarter only while there is room for the others. A power loss may lose the files.
//
// A response that cannot be written, because the disk is full, say, is kept in memory
// until it can: 2 MiB of each sender, 8 MiB in all. The handler is called again for a
// response for which that was too little, when the disk has room; until then the other
// requests of the sender wait. A response whose name cannot be used, because there is a
// folder that is not empty, say, concerns no other request; its handler is not called
// again while that is so. A handler whose work must not be done twice keeps a record of
// [Request.ID]. [proc-once] [proc-restart]
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
