package syftevent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
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
// Requests are sent five milliseconds apart, because SyftBox loses files that
// change in bursts; into a folder that is new SyftBox must look first, which
// takes another 25. An error means that nothing was sent. [client-unique]
func (c *Client) Send(ctx context.Context, req *Request) (*Future, error) {
	future, err := c.send(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("syftevent: sending a request to %s: %w", req.URL, err)
	}
	return future, nil
}

func (c *Client) send(ctx context.Context, req *Request) (*Future, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	envelope, err := c.envelope(req)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.DatasitesDir(), 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(c.DatasitesDir())
	if err != nil {
		return nil, err
	}
	defer root.Close()
	dir, err := c.requestDir(ctx, root, req.URL)
	if err != nil {
		return nil, err
	}
	nudge, err := c.pace(ctx)
	if err != nil {
		return nil, err
	}
	p := post{root: root, dir: filepath.ToSlash(dir), envelope: envelope, cached: req.Cached}
	written, err := p.publish()
	if err != nil {
		return nil, err
	}
	if nudge && written != nil {
		spool.Touch(root, p.name(requestSuffix), written)
	}
	return &Future{
		ID: envelope.ID, URL: req.URL, Expires: envelope.Expires,
		dir: filepath.Join(c.DatasitesDir(), dir), cached: p.cached,
	}, nil
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

// paceMost is how long a request waits for its turn to be modified; a full
// synchronisation is as fast.
const paceMost = 5 * time.Second

// pace waits until the next modification may follow the one before. It reports
// whether there is to be one.
func (c *Client) pace(ctx context.Context) (nudge bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	c.mu.Lock()
	now := time.Now()
	at := c.nextNudge
	if at.Before(now) {
		at = now
	}
	if nudge = at.Sub(now) <= paceMost; nudge {
		c.nextNudge = at.Add(DefaultNudgeInterval)
	}
	c.mu.Unlock()
	if !nudge {
		return false, nil
	}
	return true, sleepUnless(ctx, at.Sub(now))
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
