package syftevent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// Send writes a request into the folder of the endpoint that its URL names, from
// where SyftBox carries it to the server, and returns a [Future] for the
// response. The request itself is not changed: what it lacks (id, times, method)
// is filled in, and the sender is c.Email.
//
// Requests are sent five milliseconds apart at least, because SyftBox loses
// files that change in bursts; into a folder that is new SyftBox must look
// first, which takes another 25. [client-unique]
func (c *Client) Send(ctx context.Context, req *Request) (*Future, error) {
	failed := func(err error) (*Future, error) {
		return nil, fmt.Errorf("syftevent: sending a request to %s: %w", req.URL, err)
	}
	if err := c.check(); err != nil {
		return failed(err)
	}
	envelope, err := c.envelope(req)
	if err != nil {
		return failed(err)
	}
	if err := os.MkdirAll(c.DatasitesDir(), 0o755); err != nil {
		return failed(err)
	}
	root, err := os.OpenRoot(c.DatasitesDir())
	if err != nil {
		return failed(err)
	}
	defer root.Close()
	dir, err := c.requestDir(ctx, root, req.URL)
	if err != nil {
		return failed(err)
	}
	future := &Future{ID: envelope.ID, URL: req.URL, Expires: envelope.Expires, dir: filepath.Join(c.DatasitesDir(), dir)}
	if req.Cached {
		known, err := c.reuse(root, dir, envelope, future)
		if err != nil {
			return failed(err)
		}
		if known {
			return future, nil
		}
		future.ID = envelope.ID
	}
	base := path.Join(filepath.ToSlash(dir), envelope.ID)
	for _, suffix := range []string{requestSuffix, responseSuffix} {
		if _, err := root.Lstat(base + suffix); err == nil {
			return failed(fmt.Errorf("%s%s exists: the id was used before", envelope.ID, suffix))
		}
	}
	name := base + requestSuffix
	written, err := spool.PublishFile(root, name, wire.AppendRequest(nil, envelope))
	if err != nil {
		return failed(err)
	}
	if err := c.pace(ctx); err != nil {
		return failed(err)
	}
	spool.Touch(root, name, written)
	return future, nil
}

// Call sends a request and waits for the response, as [Client.Send] and
// [Future.Wait] do.
func (c *Client) Call(ctx context.Context, req *Request) (*Response, error) {
	future, err := c.Send(ctx, req)
	if err != nil {
		return nil, err
	}
	return future.Wait(ctx)
}

// Broadcast sends the same request to several URLs, to each with an id of its
// own. It returns a future for each that was sent, in the order of the URLs, and
// the errors of the others.
func (c *Client) Broadcast(ctx context.Context, req *Request, urls ...string) (Futures, error) {
	var futures Futures
	var errs []error
	for _, text := range urls {
		u, err := ParseURL(text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		each := *req
		each.ID, each.URL = "", u
		future, err := c.Send(ctx, &each)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		futures = append(futures, future)
	}
	return futures, errors.Join(errs...)
}

// envelope is what is written of a request.
func (c *Client) envelope(req *Request) (*wire.Request, error) {
	now := time.Now().UTC()
	envelope := &wire.Request{
		ID: req.ID, Sender: c.Email, URL: req.URL.String(), Method: req.Method,
		Headers: maps.Clone(req.Headers), Body: req.Body, Created: req.Created, Expires: req.Expires,
	}
	if envelope.Method == "" {
		envelope.Method = "GET"
	}
	if !slices.Contains(methods, envelope.Method) {
		return nil, fmt.Errorf("there is no method %q", envelope.Method)
	}
	if envelope.Created.IsZero() {
		envelope.Created = now
	}
	if envelope.Expires.IsZero() {
		envelope.Expires = now.Add(DefaultExpiry)
	}
	switch {
	case req.Cached:
		envelope.ID = wire.MessageID(envelope)
	case envelope.ID == "":
		envelope.ID = newID()
	}
	if err := checkDeliverable(envelope.ID); err != nil {
		return nil, fmt.Errorf("id: %w", err)
	}
	if envelope.ID != filepath.Base(envelope.ID) || isMarker(envelope.ID+requestSuffix) {
		return nil, fmt.Errorf("id %q cannot be the name of a file", envelope.ID)
	}
	return envelope, nil
}

// requestDir returns the folder of the requests to a URL, relative to the
// datasites, and makes it if it is new.
func (c *Client) requestDir(ctx context.Context, root *os.Root, u URL) (string, error) {
	if u.Endpoint() == "" {
		return "", fmt.Errorf("its path %q is not of the form /app_data/<app>/rpc/<endpoint>", u.Path)
	}
	local, err := u.LocalPath("")
	if err != nil {
		return "", err
	}
	dir := filepath.Join(local, c.Email)
	if info, err := root.Lstat(dir); err == nil && info.IsDir() {
		return dir, nil
	}
	if err := root.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return dir, sleepUnless(ctx, spool.KnownFor)
}

// pace waits until the next modification may follow the one before.
func (c *Client) pace(ctx context.Context) error {
	c.mu.Lock()
	now := time.Now()
	at := c.nextNudge
	if at.Before(now) {
		at = now
	}
	c.nextNudge = at.Add(DefaultNudgeInterval)
	c.mu.Unlock()
	return sleepUnless(ctx, at.Sub(now))
}

// sleepUnless waits for a while, or returns the error of ctx.
func sleepUnless(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reuse looks for the request of the same id that a cached one may stand for. It
// reports whether the future is that request's. One that has expired makes way,
// unless it was answered: an id is not used again while a response of that id
// exists, so the new request then gets another.
func (c *Client) reuse(root *os.Root, dir string, envelope *wire.Request, future *Future) (bool, error) {
	base := path.Join(filepath.ToSlash(dir), envelope.ID)
	data, _, err := spool.ReadFile(root, base+requestSuffix, unlimited)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err == nil {
		before, err := wire.DecodeRequest(data)
		if err == nil && (before.Expires.IsZero() || time.Now().Before(before.Expires)) {
			future.Expires, future.cached = before.Expires, true
			return true, nil
		}
	}
	if _, err := root.Lstat(base + responseSuffix); !errors.Is(err, fs.ErrNotExist) {
		envelope.ID = newID()
		return false, nil
	}
	future.cached = true
	if err := root.Remove(base + requestSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return false, nil
}
