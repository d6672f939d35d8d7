package syftevent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// wrapping returns a middleware whose handlers implement Unwrap.
func wrapping(wrap func(next Handler) HandlerFunc) Middleware {
	return func(next Handler) Handler { return &wrapped{wrap(next), next} }
}

type wrapped struct {
	HandlerFunc
	next Handler
}

func (w *wrapped) Unwrap() Handler { return w.next }

// BearerAuth requires the header "Authorization: Bearer <token>" with a token that
// valid accepts, and responds with 401 otherwise. To compare a token with a secret,
// valid should use [crypto/subtle.ConstantTimeCompare]. valid must be safe for concurrent
// use. To accept only a sender's own token, valid calls [RequestFrom]:
//
//	BearerAuth(func(ctx context.Context, token string) bool {
//		own, ok := tokens[RequestFrom(ctx).Sender]
//		return ok && subtle.ConstantTimeCompare([]byte(token), []byte(own)) == 1
//	})
//
// SyftBox's HTTP gateway removes this header, so that its callers always get 401.
func BearerAuth(valid func(ctx context.Context, token string) bool) Middleware {
	return wrapping(func(next Handler) HandlerFunc {
		return func(ctx context.Context, req *Request) (*Response, error) {
			kind, token, _ := strings.Cut(req.Headers.Get("Authorization"), " ")
			token = strings.TrimSpace(token)
			if strings.EqualFold(kind, "Bearer") && token != "" && valid(WithRequest(ctx, req), token) {
				return next.ServeSyft(ctx, req)
			}
			response := Text(401, "Unauthorized")
			response.Headers.Set("WWW-Authenticate", "Bearer")
			return response, nil
		}
	})
}

// RateLimit limits each sender to a number of requests within any period of the
// given length, and responds to more with 429 and the header Retry-After, in
// seconds. It keeps the times of a sender's requests for that period. All handlers
// that one middleware wraps share the limit. The sender is
// [Request.Sender]. Callers who can forge it can evade the limit, or use up that of others:
// see "Senders" in the package documentation.
//
// RateLimit panics if requests or per is not positive.
func RateLimit(requests int, per time.Duration) Middleware {
	if requests <= 0 || per <= 0 {
		panic(fmt.Sprintf("syftevent: RateLimit(%d, %v): both must be positive", requests, per))
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

// rateLimit holds the times of each sender's requests within the last period, the
// oldest first.
type rateLimit struct {
	requests int
	per      time.Duration

	mu      sync.Mutex
	senders map[string][]time.Time
	swept   time.Time
}

// take records a request, or returns how long the sender must wait.
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

// within drops the times before the period that ends now.
func (l *rateLimit) within(times []time.Time, now time.Time) []time.Time {
	for len(times) > 0 && now.Sub(times[0]) >= l.per {
		times = times[1:]
	}
	return times
}

// sweep deletes the senders without a request in the period, once a period.
func (l *rateLimit) sweep(now time.Time) {
	if now.Sub(l.swept) < l.per {
		return
	}
	l.swept = now
	maps.DeleteFunc(l.senders, func(_ string, times []time.Time) bool { return len(l.within(times, now)) == 0 })
}

// AuditLog logs each request when its handler returns. The message is "request". The
// attributes are sender, verified ([Request.SenderVerified]), method, endpoint, id, status,
// reason (the error of the handler, with its causes) and took (a duration). The status is
// what the handler chose. The server may publish a different one (504 after
// [Server.HandlerTimeout], 500 if clients reject the status) or, if it stops meanwhile,
// nothing. Apart from the text of
// the error, it logs no bodies and no headers. A nil logger is
// slog.Default(). The level is Info for a status below 400, Warn below 500, and Error from
// 500. If the handler returns an [*Error] with a valid status of 400 or above, that status is
// logged. For any other error, a panic and a nil response it is 500.
//
// Given to [Router.Use], it sees 404 and 405 as well. For the requests that the
// server refuses before the router sees them, set [Server.OnRefuse] to [LogRefusals],
// which logs the same line with the same attributes.
func AuditLog(logger *slog.Logger) Middleware {
	return wrapping(func(next Handler) HandlerFunc {
		return func(ctx context.Context, req *Request) (response *Response, err error) {
			began := time.Now()
			line := auditLine{
				Refusal: Refusal{ID: req.ID, Sender: req.Sender, SenderVerified: req.SenderVerified, Endpoint: req.path(), StatusCode: 500},
				method:  req.Method,
			}
			returned := false
			defer func() {
				switch {
				case !returned:
					line.Reason = "panic"
				case err != nil:
					line.Reason = err.Error()
					var chosen *Error
					if errors.As(err, &chosen) && chosen != nil && protocol.ValidStatus(chosen.StatusCode) && chosen.StatusCode >= 400 {
						line.StatusCode = chosen.StatusCode
					}
				case response != nil:
					line.StatusCode = statusOf(response)
				}
				line.took = time.Since(began)
				line.log(ctx, logger)
			}()
			response, err = next.ServeSyft(ctx, req)
			returned = true
			return response, err
		}
	})
}

// A Refusal is a request that the server refused before the router saw it, as
// [Server.OnRefuse] gets it.
type Refusal struct {
	// ID is the name of the request file without ".request".
	ID string
	// Sender is the e-mail address that names the folder of the request, or "" if
	// SenderVerified is false: what the file itself says is not checked.
	Sender         string
	SenderVerified bool
	// Endpoint is the endpoint whose folder holds the request.
	Endpoint string
	// StatusCode is the status of the response, and Reason its text.
	StatusCode int
	Reason     string
}

// LogRefusals returns a function for [Server.OnRefuse] that logs each refused request with
// the same message and attributes as [AuditLog]. The reason is the text of the response. The
// method is "" and took is 0, because
// they are not known. A nil logger is slog.Default().
func LogRefusals(logger *slog.Logger) func(context.Context, Refusal) {
	return func(ctx context.Context, refusal Refusal) {
		auditLine{Refusal: refusal}.log(ctx, logger)
	}
}

// An auditLine is one line of the audit log.
type auditLine struct {
	Refusal
	method string
	took   time.Duration
}

func (l auditLine) log(ctx context.Context, logger *slog.Logger) {
	level := slog.LevelInfo
	switch {
	case l.StatusCode >= 500:
		level = slog.LevelError
	case l.StatusCode >= 400:
		level = slog.LevelWarn
	}
	orDefaultLogger(logger).LogAttrs(ctx, level, "request",
		slog.String("sender", l.Sender), slog.Bool("verified", l.SenderVerified), slog.String("method", l.method),
		slog.String("endpoint", l.Endpoint), slog.String("id", l.ID), slog.Int("status", l.StatusCode),
		slog.String("reason", l.Reason), slog.Duration("took", l.took))
}

// Throttle limits concurrent requests to n; others wait. A waiting request counts for
// [Server.Concurrency] or [Server.Reserve]. If its context ends while it waits,
// the handler is not called. All handlers wrapped by one Throttle share the limit.
//
// Throttle panics if n is not positive.
func Throttle(n int) Middleware {
	if n <= 0 {
		panic(fmt.Sprintf("syftevent: Throttle(%d): must be positive", n))
	}
	turns := make(chan struct{}, n)
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
