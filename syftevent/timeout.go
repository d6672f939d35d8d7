package syftevent

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Timeout answers 504 if the handler has not returned in time, and cancels its
// context. A handler that does not heed that goes on in the background, and what
// it returns is dropped; its panic is, too. [Server.HandlerTimeout] does the same for
// all handlers, and bounds how many go on so.
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

// errHandlerTimeout means that a handler has not returned in time.
var errHandlerTimeout = errors.New("handler did not return in time")

// timedOut is the response to its request.
func timedOut(after time.Duration) *Response {
	return Text(504, fmt.Sprintf("No response within %v", after))
}

// serveWithin runs a handler in a goroutine of its own, and returns errHandlerTimeout
// if it has not returned in time. Returned is closed when it has.
func serveWithin(ctx context.Context, after time.Duration, next Handler, req *Request) (returned <-chan struct{}, response *Response, err error) {
	inner, cancel := context.WithTimeout(ctx, after)
	defer cancel()
	type result struct {
		response *Response
		err      error
		panicked any
	}
	ended := make(chan struct{})
	results := make(chan result, 1)
	go func() { // ends with the handler
		var r result
		defer func() {
			r.panicked = recover()
			results <- r
			close(ended)
		}()
		r.response, r.err = next.ServeSyft(inner, req)
	}()
	select {
	case r := <-results:
		if r.panicked != nil {
			panic(r.panicked)
		}
		return ended, r.response, r.err
	case <-inner.Done():
	}
	if ctx.Err() != nil { // the server stops
		return ended, nil, ctx.Err()
	}
	return ended, nil, errHandlerTimeout
}
