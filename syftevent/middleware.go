package syftevent

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
)

// wrapping makes a middleware whose handlers still show the schema and the
// description of what they wrap.
func wrapping(wrap func(next Handler) HandlerFunc) Middleware {
	return func(next Handler) Handler { return &wrapped{wrap(next), next} }
}

type wrapped struct {
	HandlerFunc
	next Handler
}

func (w *wrapped) unwrap() Handler { return w.next }

// BearerAuth lets requests through whose header Authorization is "Bearer
// <token>" with a token that valid accepts; others are answered 401. To compare
// with a secret, valid uses subtle.ConstantTimeCompare. It may be called
// concurrently.
func BearerAuth(valid func(ctx context.Context, token string) bool) Middleware {
	return wrapping(func(next Handler) HandlerFunc {
		return func(ctx context.Context, req *Request) (*Response, error) {
			kind, token, _ := strings.Cut(req.Headers.Get("Authorization"), " ")
			token = strings.TrimSpace(token)
			if strings.EqualFold(kind, "Bearer") && token != "" && valid(ctx, token) {
				return next.ServeSyft(ctx, req)
			}
			response := Text(401, "Unauthorized")
			response.Headers.Set("WWW-Authenticate", "Bearer")
			return response, nil
		}
	})
}

// RateLimit lets each sender make as many requests as given in any stretch of
// time of the given length; more are answered 429, with the header Retry-After
// in seconds. What it keeps of a sender, the times of that many requests, is
// forgotten when they lie so far back. All handlers that one middleware wraps
// share the limit.
//
// RateLimit panics unless requests and per are more than zero.
func RateLimit(requests int, per time.Duration) Middleware {
	if requests <= 0 || per <= 0 {
		panic(fmt.Sprintf("syftevent: RateLimit(%d, %v): both must be more than zero", requests, per))
	}
	limit := &rateLimit{requests: requests, per: per, senders: map[string][]time.Time{}}
	return wrapping(func(next Handler) HandlerFunc {
		return func(ctx context.Context, req *Request) (*Response, error) {
			wait := limit.take(req.Sender, time.Now())
			if wait == 0 {
				return next.ServeSyft(ctx, req)
			}
			response := Text(429, "Too many requests")
			response.Headers.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			return response, nil
		}
	})
}

// rateLimit has the times of the requests of each sender, within the last
// stretch of time, the oldest first.
type rateLimit struct {
	requests int
	per      time.Duration

	mu      sync.Mutex
	senders map[string][]time.Time
	swept   time.Time
}

// take notes a request, or returns how long it is until there may be one.
func (l *rateLimit) take(sender string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	times := l.within(l.senders[sender], now)
	if len(times) == l.requests {
		l.senders[sender] = times
		return times[0].Add(l.per).Sub(now)
	}
	l.senders[sender] = append(times, now)
	return 0
}

// within cuts off what lies too far back.
func (l *rateLimit) within(times []time.Time, now time.Time) []time.Time {
	for len(times) > 0 && now.Sub(times[0]) >= l.per {
		times = times[1:]
	}
	return times
}

// sweep forgets the senders who have not sent for long.
func (l *rateLimit) sweep(now time.Time) {
	if now.Sub(l.swept) < l.per {
		return
	}
	l.swept = now
	maps.DeleteFunc(l.senders, func(_ string, times []time.Time) bool { return len(l.within(times, now)) == 0 })
}

// AuditLog writes a line to the logger for each request that was handled: who
// sent what where, and how it was answered. It tells nothing of bodies and
// headers. A nil logger is slog.Default().
func AuditLog(logger *slog.Logger) Middleware {
	return wrapping(func(next Handler) HandlerFunc {
		return func(ctx context.Context, req *Request) (*Response, error) {
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
		}
	})
}

// Throttle lets at most so many requests through at once; others wait for their
// turn, each in a place of [Server.Concurrency], which should be larger by as
// many as may wait. A request whose context ends while it waits is not handled.
// All handlers that one middleware wraps share the limit.
//
// Throttle panics unless atOnce is more than zero.
func Throttle(atOnce int) Middleware {
	if atOnce <= 0 {
		panic(fmt.Sprintf("syftevent: Throttle(%d): must be more than zero", atOnce))
	}
	turns := make(chan struct{}, atOnce)
	return wrapping(func(next Handler) HandlerFunc {
		return func(ctx context.Context, req *Request) (*Response, error) {
			select {
			case turns <- struct{}{}:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			defer func() { <-turns }()
			return next.ServeSyft(ctx, req)
		}
	})
}
