package syftevent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// The reasons why a request has no response. [Future.Wait] wraps them in errors that begin
// with "syftevent: " and name the request and its URL. Except after ErrRejected, the handler may
// have run, and a new request may run it again.
var (
	// ErrRejected means that SyftBox rejected the request: the permissions of the
	// server's datasite do not allow it. Until SyftBox has carried the permissions of a new app,
	// some 5 s after the server's first start, it rejects all requests to it.
	ErrRejected = errors.New("SyftBox rejected the request: permission denied")
	// ErrExpired means that no response came before the request expired.
	ErrExpired = errors.New("request expired without a response")
	// ErrNotFound means that the request no longer exists, although it was resent.
	ErrNotFound = errors.New("request no longer exists")
	// ErrBadResponse means that the response is malformed, contradicts the request, or is larger than
	// [Client.MaxResponseSize].
	ErrBadResponse = errors.New("malformed response")
	// ErrCanceled means that [Future.Cancel] was called.
	ErrCanceled = errors.New("request canceled")

	errNotSent = errors.New("future was not returned by Client.Send")
)

// A Future is a pending response. Its methods may be called concurrently; its
// fields must not be changed.
//
// SyftBox sometimes loses a request: its server drops a message, and the next full
// sync deletes the sender's file. While Wait runs, or when Poll is called, the Future resends
// such a request, with the same ID and the same bytes, up to three times; [Future.Resent]
// counts them. A [Server] that has answered a request does not handle the same bytes under the
// same ID again while its reply cache has the response (see [Handler]). A server of the Python
// package handles them again if the response is gone. [client-resend]
//
// After reading the response the Future removes the request, then the response. If
// SyftBox brings them back within a minute, the [Client] removes them again. It does
// not remove the files of an answered [Cached] request, nor those of a request that ended
// with [ErrBadResponse]. [client-order] [client-collect]
//
// A Future does nothing by itself: unless Wait, Poll or Cancel is called, a lost request stays
// lost, and the files stay until the server's cleanup.
type Future struct {
	// ID is the ID of the request.
	ID string
	// URL is the URL of the request.
	URL URL
	// Expires is when the request expires.
	Expires time.Time

	target string // the URL as Broadcast got it; "" for that of URL
	client *Client
	post   post
	sent   time.Time

	mu       sync.Mutex
	done     bool
	response *Response
	err      error
	waiting  int       // number of running calls of Wait
	listed   time.Time // when refresh last listed the directory
	missing  time.Time // since when the request is missing; zero if it exists
	resent   int
	trouble  error             // the last error of reading the directory
	bad      [sha256.Size]byte // the hash of a malformed response
	badSince time.Time
}

const (
	// missingFor is how long a request may be missing: SyftBox may rename it and bring
	// it back with its next synchronization, 5 s later.
	missingFor = 12 * time.Second
	// maxResent is the number of times that a request is resent.
	maxResent = 3

	// Poll, which checks for rejection, expiry and a lost request, too, is called after a
	// quarter of the time since the request was sent, within these limits.
	pollShare           = 4
	firstPoll, lastPoll = 20 * time.Millisecond, time.Second
)

// Wait waits for the response. A response with any status is not an error. The error wraps
// that of ctx, or [ErrRejected], [ErrExpired], [ErrNotFound], [ErrCanceled] or
// [ErrBadResponse]; use [errors.Is]. If ctx ends, the request stays, and Wait may be called
// again; [Future.Cancel] abandons the request.
//
// One goroutine per folder checks for the responses of all waiting calls. Between two checks
// it pauses for 1 ms at first, and for longer as time passes, up to 250 ms: about 3 % of the
// time since the newest of these requests was sent. Checks take at most 5 % of its time. In
// addition, each call checks for its response, rejection and expiry every 20 ms to 1 s. The
// package documentation has figures.
func (f *Future) Wait(ctx context.Context) (*Response, error) {
	response, done, err := f.Poll()
	if done {
		return response, err
	}
	w, end := f.client.waits.add(filepath.Dir(f.path("")), f.ID+protocol.ResponseSuffix, f.sent)
	defer end()
	f.countWaiting(+1)
	defer f.countWaiting(-1)
	for {
		if err := ctx.Err(); err != nil {
			return nil, f.waitError(err)
		}
		timer := time.NewTimer(f.untilPoll(time.Now()))
		select {
		case <-w.arrived:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, f.waitError(ctx.Err())
		}
		timer.Stop()
		if response, done, err := f.Poll(); done {
			return response, err
		}
	}
}

func (f *Future) countWaiting(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting += n
}

// untilPoll returns the time until Poll is due, even without a response.
func (f *Future) untilPoll(now time.Time) time.Duration {
	wait := min(max(now.Sub(f.sent)/pollShare, firstPoll), lastPoll)
	if !f.Expires.IsZero() {
		wait = min(wait, max(f.Expires.Sub(now)+time.Millisecond, firstPoll))
	}
	return wait
}

// path returns the path of a file of the request.
func (f *Future) path(suffix string) string {
	return filepath.Join(f.client.DatasitesDir(), filepath.FromSlash(f.post.name(suffix)))
}

// Poll checks once for the response, without waiting. If done is true, the request has
// ended with a response or an error, and further calls return the same values. The errors
// are those of [Future.Wait], except that of a context.
func (f *Future) Poll() (response *Response, done bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.done {
		f.end(f.check(time.Now()))
	}
	return f.response, f.done, f.err
}

// end records how the request ended, if it did. f.mu is held.
func (f *Future) end(response *Response, done bool, err error) {
	f.response, f.done, f.err = response, done, err
	if err != nil {
		f.err = fmt.Errorf("syftevent: request %s to %s: %w", f.ID, f.URL, err)
	}
}

// Resent returns the number of times that the request was resent because SyftBox lost it.
func (f *Future) Resent() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.resent
}

// Cancel abandons the request: it removes the request, and the response if one arrives
// within a minute. Wait and Poll then return [ErrCanceled]. A server that already has the
// request may still run it. Cancel does nothing if the request has ended, and keeps the
// files of a [Cached] request.
func (f *Future) Cancel() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done {
		return
	}
	f.end(nil, true, ErrCanceled)
	if f.client == nil {
		return
	}
	root, err := os.OpenRoot(filepath.Dir(f.path("")))
	if err == nil {
		defer root.Close()
	}
	f.collect(root)
}

// collect removes the request and the response, now and if they come back, unless the
// request is cached. root is nil if the directory no longer exists.
func (f *Future) collect(root *os.Root) {
	if f.post.cached {
		return
	}
	if root != nil {
		protocol.RemovePair(root.Remove, f.ID) // the collector retries what fails
	}
	f.client.collector.watch(f.client.DatasitesDir(), f.post.dir, f.ID)
}

// check checks once for the response, and for the reasons why none can come.
func (f *Future) check(now time.Time) (response *Response, done bool, err error) {
	if f.client == nil {
		return nil, true, errNotSent
	}
	root, err := os.OpenRoot(filepath.Dir(f.path("")))
	if errors.Is(err, fs.ErrNotExist) {
		return f.withoutResponse(nil, false, false, now)
	}
	if f.trouble = err; err != nil {
		return f.withoutResponse(nil, false, true, now) // as far as is known
	}
	defer root.Close()
	f.refresh(root, now)
	limit := orDefault(f.client.MaxResponseSize, DefaultMaxResponseSize, rootfs.Unlimited)
	data, info, err := rootfs.ReadFile(root, f.ID+protocol.ResponseSuffix, limit)
	switch {
	case err == nil && !f.isOutdated(data):
		return f.read(root, data, now)
	case errors.Is(err, rootfs.ErrTooLarge):
		return nil, true, fmt.Errorf("%w: file of %d bytes exceeds Client.MaxResponseSize of %d bytes", ErrBadResponse, info.Size(), limit)
	}
	if _, err := root.Lstat(f.ID + protocol.RequestSuffix); !errors.Is(err, fs.ErrNotExist) {
		// SyftBox renames a rejected request: while the request exists, a marker is an
		// earlier one's.
		return f.withoutResponse(root, false, true, now)
	}
	rejected, conflict := false, false // if listing fails, the request only counts as missing
	eachName(root, ".", func(name string) {
		rejected = rejected || isRejection(name, f.ID)
		conflict = conflict || name == f.ID+".conflict"+protocol.RequestSuffix
	})
	if rejected {
		removeRejections(root, ".", f.ID)
		f.collect(root)
		return nil, true, ErrRejected
	}
	return f.withoutResponse(root, conflict, false, now)
}

// refresh lists the directory if it was not listed lately, which makes a network file
// system refresh its caches. While Wait runs, its goroutine lists the directory.
func (f *Future) refresh(root *os.Root, now time.Time) {
	if f.waiting == 0 && now.Sub(f.listed) >= listEvery {
		eachName(root, ".", func(string) {})
		f.listed = now
	}
}

// withoutResponse decides how a check without a response ends.
func (f *Future) withoutResponse(root *os.Root, conflict, requestExists bool, now time.Time) (*Response, bool, error) {
	if !f.Expires.IsZero() && now.After(f.Expires) {
		if root != nil {
			root.Remove(f.ID + protocol.RequestSuffix) // even if it is cached
		}
		if f.post.cached {
			f.client.lapsed.add(f.client.DatasitesDir(), f.post.dir, f.ID)
		}
		f.collect(root)
		if f.trouble != nil {
			return nil, true, fmt.Errorf("%w; read its folder: %w", ErrExpired, f.trouble)
		}
		return nil, true, ErrExpired
	}
	if requestExists {
		f.missing = time.Time{}
		return nil, false, nil
	}
	if f.missing.IsZero() {
		f.missing = now
	}
	switch missing := now.Sub(f.missing); {
	case conflict && missing <= missingFor:
		// SyftBox renamed the request, and restores it a cycle later.
	case f.resent < maxResent && missing >= resendAfter(f.resent):
		f.resend()
	case f.resent == maxResent && missing > missingFor:
		f.collect(root)
		return nil, true, ErrNotFound
	}
	return nil, false, nil
}

// resendAfter returns how long a request must be missing before it is resent, by the
// number of times that it was resent before: 1, 4 and 16 s. SyftBox deletes a lost request
// 1 to 6 s after it was sent.
func resendAfter(times int) time.Duration { return time.Second << (2 * times) }

// resend writes the request again unless the client's pace forbids it. The next poll
// retries what fails.
func (f *Future) resend() {
	if !f.client.mayNudge(time.Now()) {
		return
	}
	if err := f.client.resend(&f.post); err != nil {
		f.trouble = err
		return
	}
	f.missing = time.Time{}
	f.resent++
}

// isOutdated reports whether a response belongs to an earlier request with the ID of a cached
// one, which expired before this one was sent. [client-identical]
func (f *Future) isOutdated(data []byte) bool {
	if !f.post.cached {
		return false
	}
	envelope, err := wire.DecodeResponse(data)
	return err == nil && !envelope.Expires.IsZero() && envelope.Expires.Before(f.sent)
}

// read decodes a response. A malformed one is read again until it has not changed for
// DefaultSettleTime, and is left in place.
func (f *Future) read(root *os.Root, data []byte, now time.Time) (*Response, bool, error) {
	envelope, err := wire.DecodeResponse(data)
	if err != nil {
		if sum := sha256.Sum256(data); f.badSince.IsZero() || f.bad != sum {
			f.bad, f.badSince = sum, now
		}
		if now.Sub(f.badSince) < DefaultSettleTime {
			return nil, false, nil
		}
		return nil, true, fmt.Errorf("%w: %w", ErrBadResponse, err)
	}
	// An invalid URL does not make a response malformed.
	u, _ := ParseURL(envelope.URL)
	if err := f.contradiction(envelope, u); err != nil {
		return nil, true, err
	}
	f.collect(root)
	return &Response{
		ID: envelope.ID, Sender: envelope.Sender, URL: u,
		StatusCode: envelope.StatusCode, Headers: Headers(envelope.Headers), Body: envelope.Body,
		Created: envelope.Created, Expires: envelope.Expires,
	}, true, nil
}

// Futures are the pending responses of several requests, as [Client.Broadcast] returns
// them.
type Futures []*Future

// A Result is the outcome of one of several requests.
type Result struct {
	// URL is the URL of the request, as [Client.Broadcast] got it.
	URL string
	// Future is the future of the request.
	Future *Future
	// Response is the response, or nil if Err is not nil.
	Response *Response
	// Err is the error of sending the request or of [Future.Wait].
	Err error
}

// Wait waits for all responses and returns one result per future, in their order.
// If ctx ends, the results of pending requests have its error. These requests stay: Wait may
// be called again, and [Future.Cancel] abandons one. [client-done]
func (fs Futures) Wait(ctx context.Context) []Result {
	results := make([]Result, len(fs))
	var waiting sync.WaitGroup
	for i, future := range fs {
		results[i].Future, results[i].URL = future, future.target
		if future.target == "" {
			results[i].URL = future.URL.String()
		}
		waiting.Go(func() { results[i].Response, results[i].Err = future.Wait(ctx) })
	}
	waiting.Wait()
	return results
}

// waitError returns the error of a wait that ended before the request did.
func (f *Future) waitError(err error) error {
	return fmt.Errorf("syftevent: wait for response to request %s to %s: %w", f.ID, f.URL, err)
}
