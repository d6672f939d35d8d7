package syftevent

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
)

// BearerAuth lets requests through whose header Authorization is "Bearer
// <token>" with a token that valid accepts; others are answered 401. To compare
// with a secret, valid uses subtle.ConstantTimeCompare. It may be called
// concurrently.
func BearerAuth(valid func(ctx context.Context, token string) bool) Middleware {
	return func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, req *Request) (*Response, error) {
			kind, token, _ := strings.Cut(req.Headers.Get("Authorization"), " ")
			token = strings.TrimSpace(token)
			if strings.EqualFold(kind, "Bearer") && token != "" && valid(ctx, token) {
				return next.ServeSyft(ctx, req)
			}
			response, err := JSON(401, map[string]string{"error": "Unauthorized"})
			if err == nil {
				response.Headers.Set("WWW-Authenticate", "Bearer")
			}
			return response, err
		})
	}
}

// RateLimit lets each sender make as many requests as given in any stretch of
// time of the given length, evenly or in bursts; more are answered 429, with the
// header Retry-After in seconds. What it keeps of a sender is forgotten after
// that length of time. All handlers that one middleware wraps share the limit.
//
// RateLimit panics unless requests and per are more than zero.
func RateLimit(requests int, per time.Duration) Middleware {
	if requests <= 0 || per <= 0 {
		panic(fmt.Sprintf("syftevent: RateLimit(%d, %v): both must be more than zero", requests, per))
	}
	limit := &rateLimit{requests: requests, per: per, senders: map[string]*allowance{}}
	return func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, req *Request) (*Response, error) {
			wait := limit.take(req.Sender, time.Now())
			if wait == 0 {
				return next.ServeSyft(ctx, req)
			}
			response, err := JSON(429, map[string]string{"error": "Too many requests"})
			if err == nil {
				response.Headers.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			}
			return response, err
		})
	}
}

// rateLimit is a bucket of tokens for each sender, which fills evenly.
type rateLimit struct {
	requests int
	per      time.Duration

	mu      sync.Mutex
	senders map[string]*allowance
	swept   time.Time
}

// An allowance is a bucket: how many tokens were in it at a time.
type allowance struct {
	tokens float64
	at     time.Time
}

// take takes a token, or returns how long it is until there is one.
func (l *rateLimit) take(sender string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	a := l.senders[sender]
	if a == nil {
		a = &allowance{tokens: float64(l.requests), at: now}
		l.senders[sender] = a
	}
	each := l.per / time.Duration(l.requests)
	a.tokens = min(float64(l.requests), a.tokens+float64(l.requests)*float64(now.Sub(a.at))/float64(l.per))
	a.at = now
	if a.tokens < 1 {
		return max(time.Duration((1-a.tokens)*float64(each)), 1)
	}
	a.tokens--
	return 0
}

// sweep forgets the senders whose buckets are full again.
func (l *rateLimit) sweep(now time.Time) {
	if now.Sub(l.swept) < l.per {
		return
	}
	l.swept = now
	for sender, a := range l.senders {
		if now.Sub(a.at) >= l.per {
			delete(l.senders, sender)
		}
	}
}

// Timeout answers 504 if the handler has not returned in time, and cancels its
// context. A handler that does not heed that goes on in the background, and what
// it returns is dropped; its panic is, too.
func Timeout(after time.Duration) Middleware {
	return func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, req *Request) (*Response, error) {
			inner, cancel := context.WithTimeout(ctx, after)
			defer cancel()
			type result struct {
				response *Response
				err      error
				panicked any
			}
			returned := make(chan result, 1)
			go func() { // ends with the handler
				var r result
				defer func() {
					r.panicked = recover()
					returned <- r
				}()
				r.response, r.err = next.ServeSyft(inner, req)
			}()
			select {
			case r := <-returned:
				if r.panicked != nil {
					panic(r.panicked)
				}
				return r.response, r.err
			case <-inner.Done():
			}
			if ctx.Err() != nil { // the server stops
				return nil, ctx.Err()
			}
			return JSON(504, map[string]string{"error": fmt.Sprintf("No answer within %v", after)})
		})
	}
}

// AuditLog writes a line to the logger for each request that was handled: who
// sent what where, and how it was answered. It tells nothing of bodies and
// headers. A nil logger is slog.Default().
func AuditLog(logger *slog.Logger) Middleware {
	return func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, req *Request) (*Response, error) {
			to := orDefaultLogger(logger)
			began := time.Now()
			returned := false
			attributes := []any{"sender", req.Sender, "verified", req.SenderVerified, "method", req.Method, "endpoint", req.path(), "id", req.ID}
			defer func() {
				if !returned {
					to.ErrorContext(ctx, "request", append(attributes, "took", time.Since(began), "panicked", true)...)
				}
			}()
			response, err := next.ServeSyft(ctx, req)
			returned = true
			attributes = append(attributes, "took", time.Since(began))
			switch {
			case err != nil:
				to.WarnContext(ctx, "request", append(attributes, "err", err)...)
			case response != nil:
				to.InfoContext(ctx, "request", append(attributes, "status", statusOf(response))...)
			}
			return response, err
		})
	}
}

// Throttle lets at most so many requests through at once; others wait for their
// turn. A request whose context ends while it waits is not handled. All handlers
// that one middleware wraps share the limit.
//
// Throttle panics unless atOnce is more than zero.
func Throttle(atOnce int) Middleware {
	if atOnce <= 0 {
		panic(fmt.Sprintf("syftevent: Throttle(%d): must be more than zero", atOnce))
	}
	turns := make(chan struct{}, atOnce)
	return func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, req *Request) (*Response, error) {
			select {
			case turns <- struct{}{}:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			defer func() { <-turns }()
			return next.ServeSyft(ctx, req)
		})
	}
}
