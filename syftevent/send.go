package syftevent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// Send writes a request into the folder of the endpoint that its URL names, from
// where SyftBox carries it to the server, and returns a [Future] for the response.
// Send does not change the request itself: it fills in what is missing (id, times,
// method) in a copy, with c.Email as the sender.
//
// Requests are sent five milliseconds apart, because SyftBox loses files that are
// modified in bursts. A new folder costs another 25 ms, until SyftBox watches it;
// Send puts a .syftkeep into it, without which SyftBox would prune the folder once
// it is empty and never watch it again. An error means that nothing was sent.
// [client-unique] [client-pace] [client-keep]
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
	dir, err := c.requestDir(req.URL)
	if err != nil {
		return nil, err
	}
	root, err := c.openDatasites()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	isNew, err := keepDir(root, dir)
	if err != nil {
		return nil, err
	}
	if isNew {
		if err := sleepUnless(ctx, spool.KnownFor); err != nil {
			return nil, err
		}
	}
	nudge, err := c.pace(ctx)
	if err != nil {
		return nil, err
	}
	p := post{dir: filepath.ToSlash(dir), envelope: envelope, cached: req.Cached}
	c.collector.forget(c.DatasitesDir(), p.dir, envelope.ID)
	written, err := p.publish(root)
	if err != nil {
		return nil, err
	}
	if nudge && written != nil {
		spool.Touch(root, p.name(requestSuffix), written)
	}
	return &Future{ID: envelope.ID, URL: req.URL, Expires: envelope.Expires, client: c, post: p, sent: time.Now()}, nil
}

// resend writes a request again that SyftBox lost.
func (c *Client) resend(p *post) error {
	root, err := c.openDatasites()
	if err != nil {
		return err
	}
	defer root.Close()
	if _, err := keepDir(root, filepath.FromSlash(p.dir)); err != nil {
		return err
	}
	written, err := p.writeAgain(root)
	if errors.Is(err, spool.ErrAnswered) {
		return nil // it is back
	}
	if err != nil {
		return err
	}
	spool.Touch(root, p.name(requestSuffix), written)
	return nil
}

// openDatasites opens the folder of all datasites, which is made if it is new.
func (c *Client) openDatasites() (*os.Root, error) {
	if err := os.MkdirAll(c.DatasitesDir(), 0o755); err != nil {
		return nil, err
	}
	return os.OpenRoot(c.DatasitesDir())
}

// Call sends a request and waits for the response, as [Client.Send] and
// [Future.Wait] do. When ctx ends before there is a response, Call gives the request
// up, as [Future.Cancel] does.
func (c *Client) Call(ctx context.Context, req *Request) (*Response, error) {
	future, err := c.Send(ctx, req)
	if err != nil {
		return nil, err
	}
	defer future.Cancel()
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

// requestDir returns the directory of the requests to a URL, relative to the
// datasites.
func (c *Client) requestDir(u URL) (string, error) {
	if u.Endpoint() == "" {
		return "", fmt.Errorf("its path %q is not of the form /app_data/<app>/rpc/<endpoint>", u.Path)
	}
	local, err := u.LocalPath("")
	if err != nil {
		return "", err
	}
	return filepath.Join(local, c.Email), nil
}

// pruneRaces is how often a directory is made that is removed meanwhile: SyftBox prunes
// the empty directories of which it is made one by one.
const pruneRaces = 100

// keepDir makes a directory, unless it is there, and puts a .syftkeep into it: SyftBox
// prunes an empty directory, and never watches one of the same path again. It
// reports whether the directory is new.
func keepDir(root *os.Root, dir string) (isNew bool, err error) {
	for range pruneRaces {
		var info fs.FileInfo
		if info, err = root.Lstat(dir); err != nil || !info.IsDir() {
			isNew = true
			err = root.MkdirAll(dir, 0o755)
		}
		if err == nil {
			err = writeKeepFile(root, dir)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return isNew, err
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

// mayNudge reports whether a file may be modified now, and takes the turn if so.
func (c *Client) mayNudge(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nextNudge.After(now) {
		return false
	}
	c.nextNudge = now.Add(DefaultNudgeInterval)
	return true
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
