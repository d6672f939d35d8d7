package syftevent

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// Timeout responds with 504 if the handler does not return within after, and cancels its
// context. If after is not positive, it does so at once, and still calls the
// handler, whose context is canceled. If a handler ignores cancellation,
// it keeps running, and its result or panic is dropped. It may still change the request:
// middleware around Timeout must not use the request then. [Server.HandlerTimeout] does the
// same for all handlers and also limits how many keep running.
func Timeout(after time.Duration) Middleware {
	return wrapping(func(next Handler) HandlerFunc {
		return func(ctx context.Context, req *Request) (*Response, error) {
			_, response, err := serveWithin(ctx, after, next, req)
			if err == errHandlerTimeout {
				return timedOut(after), nil
			}
			return response, err
		}
	})
}

// A panicked is the panic of a handler that ran in a goroutine of its own.
type panicked struct {
	value any
	stack []byte
}

// Error and Unwrap are for middleware that recovers it.
func (p *panicked) Error() string { return fmt.Sprint(p.value) }

func (p *panicked) Unwrap() error {
	err, _ := p.value.(error)
	return err
}

// errHandlerTimeout is the error of serveWithin if the handler did not return in time.
var errHandlerTimeout = errors.New("handler did not return in time")

// timedOut returns the response to a request whose handler did not return in time.
func timedOut(after time.Duration) *Response {
	return Text(504, fmt.Sprintf("No response within %v", after))
}

// serveWithin calls a handler in its own goroutine, and returns errHandlerTimeout if it
// does not return in time. The channel is closed when it has returned.
func serveWithin(ctx context.Context, after time.Duration, next Handler, req *Request) (returned <-chan struct{}, response *Response, err error) {
	inner, cancel := context.WithTimeout(ctx, after)
	defer cancel()
	type result struct {
		response *Response
		err      error
		panicked any
		stack    []byte
	}
	ended := make(chan struct{})
	results := make(chan result, 1)
	go func() { // ends with the handler
		var r result
		defer func() {
			if r.panicked = recover(); r.panicked != nil {
				r.stack = debug.Stack()
			}
			results <- r
			close(ended)
		}()
		r.response, r.err = next.ServeSyft(inner, req)
	}()
	select {
	case r := <-results:
		if r.panicked != nil {
			panic(&panicked{r.panicked, r.stack})
		}
		return ended, r.response, r.err
	case <-inner.Done():
	}
	if ctx.Err() != nil { // the server stops
		return ended, nil, ctx.Err()
	}
	return ended, nil, errHandlerTimeout
}
