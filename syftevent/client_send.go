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

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// Send writes a request to the folder of its endpoint, from where SyftBox carries it to the
// server, and returns a [Future] for the response. It does not modify req. The sender is
// always c.Email. Zero fields have defaults: a random ID, the method GET, Created now, and
// Expires after [DefaultExpiry].
//
// Each call needs a request of its own, see [NewRequest]. Send creates the folders that it
// needs. It does not check that the server or the endpoint exists. If the server does not have
// the endpoint, [Future.Wait] returns a response with status 404 and no error, or [ErrExpired]
// if the folder of a removed endpoint still exists (see [Router]). If no server
// answers, it returns [ErrExpired]; if SyftBox does not permit the request, [ErrRejected].
//
// Send waits until five milliseconds after the client's previous request, because SyftBox
// loses files that are modified in bursts. If the wait would exceed 5 s, Send writes the file
// at once and leaves its upload to SyftBox's next full synchronization. A new folder takes
// another 25 ms, until SyftBox watches it. Send puts a .syftkeep into it: SyftBox prunes an
// empty folder, and never watches it again.
//
// Send returns an error, and sends nothing, if a field of c or req is invalid, the URL is not
// that of an endpoint, SyftBox never delivers to its path (see [Router]), a request or response with the ID still exists and the request is not
// [Cached], ctx ends, or the file cannot be written.
// [client-unique] [client-pace] [client-keep]
func (c *Client) Send(ctx context.Context, req *Request, options ...SendOption) (*Future, error) {
	future, err := c.send(ctx, req, options)
	if err != nil {
		return nil, fmt.Errorf("syftevent: send request to %s: %w", req.URL, err)
	}
	return future, nil
}

// A SendOption changes how [Client.Send], [Client.Call], [Client.Broadcast] and
// [Call] send a request.
type SendOption func(*sendOptions)

type sendOptions struct{ cached bool }

// Cached lets the client reuse the response to an earlier cached request with the same
// sender, URL, method, headers and body, instead of sending another, until the earlier
// request expires: Request.Expires says how long that is. A response with any status is
// reused, and a request that is still pending is joined. The ID of the request is derived
// from these, as in the Python package; Request.ID is ignored. The client never removes the
// files of an answered cached request; the server's cleanup does, after 30 days by default.
// Between the expiry and that cleanup, and for a minute after a request expired without a
// response, the same request is sent each time, with a random ID, and is not cached.
// [client-cached] [client-identical]
func Cached() SendOption { return func(o *sendOptions) { o.cached = true } }

func (c *Client) send(ctx context.Context, req *Request, with []SendOption) (*Future, error) {
	var options sendOptions
	for _, option := range with {
		option(&options)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	envelope, err := c.envelope(req, options)
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
	p := post{dir: filepath.ToSlash(dir), envelope: envelope, cached: options.cached}
	if p.cached && c.lapsed.has(c.DatasitesDir(), p.dir, envelope.ID) {
		p.setUncached()
	}
	c.collector.forget(c.DatasitesDir(), p.dir, envelope.ID)
	written, err := p.publish(root)
	if err != nil {
		return nil, err
	}
	if nudge && written != nil {
		rootfs.Touch(root, p.name(protocol.RequestSuffix), rootfs.VersionOf(written))
	}
	return &Future{ID: envelope.ID, URL: req.URL, Expires: envelope.Expires, client: c, post: p, sent: time.Now()}, nil
}

// resend writes a lost request again.
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
	if errors.Is(err, rootfs.ErrTaken) {
		return nil // the request is back
	}
	if err != nil {
		return err
	}
	rootfs.Touch(root, p.name(protocol.RequestSuffix), rootfs.VersionOf(written))
	return nil
}

// openDatasites opens the folder of all datasites, and creates it if necessary.
func (c *Client) openDatasites() (*os.Root, error) {
	if err := os.MkdirAll(c.DatasitesDir(), 0o755); err != nil {
		return nil, err
	}
	return os.OpenRoot(c.DatasitesDir())
}

// Call sends a request and waits for the response, as [Client.Send] and [Future.Wait] do. If
// ctx ends before the response arrives, Call cancels the request, as [Future.Cancel] does.
// It waits until the request expires at the latest, 15 min by default. The
// package function [Call] decodes the response, too.
func (c *Client) Call(ctx context.Context, req *Request, options ...SendOption) (*Response, error) {
	future, err := c.Send(ctx, req, options...)
	if err != nil {
		return nil, err
	}
	defer future.Cancel()
	return future.Wait(ctx)
}

// Call sends the request and decodes the JSON body of the response into an Out. If the
// status is 400 or above, it returns an [*Error] with the status, headers and body of the
// response; Message is the body as text. It returns the zero Out if the response has no
// body. Other errors are those of [Client.Call] and [Response.DecodeJSON].
//
// A handler that calls another server should not return this [*Error], or an error that
// wraps it, unless its own caller is to get the other server's response. It may return
// &Error{StatusCode: 502, Message: "…", Err: err}, which only logs it.
func Call[Out any](ctx context.Context, c *Client, req *Request, options ...SendOption) (Out, error) {
	var out Out
	response, err := c.Call(ctx, req, options...)
	if err != nil {
		return out, err
	}
	if response.StatusCode >= 400 {
		return out, &Error{StatusCode: response.StatusCode, Message: response.Text(), Headers: response.Headers, Body: response.Body}
	}
	if len(response.Body) == 0 {
		return out, nil
	}
	return out, response.DecodeJSON(&out)
}

// Broadcast sends req to several URLs, one after the other, each with an ID of its own. It
// returns one future per URL, in the same order. If a request cannot be sent, Wait and Poll
// of its future return the error of [Client.Send]. It ignores the ID and the URL of
// req, which may be a &Request{Method: …, Body: …}.
func (c *Client) Broadcast(ctx context.Context, req *Request, urls []string, options ...SendOption) Futures {
	futures := make(Futures, len(urls))
	for i, text := range urls {
		u, err := ParseURL(text)
		if err == nil {
			each := *req
			each.ID, each.URL = "", u
			futures[i], err = c.Send(ctx, &each, options...)
		}
		if err != nil {
			futures[i] = &Future{URL: u, done: true, err: err}
		}
		futures[i].target = text
	}
	return futures
}

// envelope returns the envelope of a request, with defaults for what is missing.
func (c *Client) envelope(req *Request, options sendOptions) (*wire.Request, error) {
	now := time.Now().UTC()
	envelope := &wire.Request{
		ID: req.ID, Sender: c.Email, URL: req.URL.String(), Method: req.Method,
		Headers: maps.Clone(req.Headers), Body: req.Body, Created: req.Created, Expires: req.Expires,
	}
	if envelope.Method == "" {
		envelope.Method = "GET"
	}
	if !slices.Contains(methods, envelope.Method) {
		return nil, fmt.Errorf("unknown method %q", envelope.Method)
	}
	if envelope.Created.IsZero() {
		envelope.Created = now
	}
	if envelope.Expires.IsZero() {
		envelope.Expires = now.Add(DefaultExpiry)
	}
	switch {
	case options.cached:
		envelope.ID = wire.MessageID(envelope)
	case envelope.ID == "":
		envelope.ID = newID()
	}
	if err := checkDeliverable(envelope.ID); err != nil {
		return nil, fmt.Errorf("id: %w", err)
	}
	if envelope.ID != filepath.Base(envelope.ID) || protocol.IsMarker(envelope.ID+protocol.RequestSuffix) {
		return nil, fmt.Errorf("id %q is not a valid file name", envelope.ID)
	}
	return envelope, nil
}

// requestDir returns the directory of the requests to a URL, relative to the
// datasites.
func (c *Client) requestDir(u URL) (string, error) {
	if u.Endpoint() == "" {
		return "", fmt.Errorf("path %q is not of the form /app_data/<app>/rpc/<endpoint>", u.Path)
	}
	segments, err := u.segments()
	if err != nil {
		return "", err
	}
	for _, segment := range segments {
		if err := checkDeliverable(segment); err != nil && !c.AllowAnyName {
			return "", err
		}
	}
	local, err := u.LocalPath("")
	if err != nil {
		return "", err
	}
	return filepath.Join(local, c.Email), nil
}

// pruneRaces is the number of attempts to create a directory whose empty parents SyftBox
// prunes at the same time.
const pruneRaces = 100

// keepDir creates a directory if necessary, and puts a .syftkeep into it: SyftBox prunes an
// empty directory, and never watches that path again. It reports whether the directory
// is new.
func keepDir(root *os.Root, dir string) (isNew bool, err error) {
	for range pruneRaces {
		var info fs.FileInfo
		if info, err = root.Lstat(dir); err != nil || !info.IsDir() {
			isNew = true
			err = root.MkdirAll(dir, 0o755)
		}
		if err == nil {
			err = protocol.WriteKeepFile(root, dir)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return isNew, err
}

// paceMost is how long a request waits for its turn to be nudged; SyftBox's full
// synchronization is as fast.
const paceMost = 5 * time.Second

// pace waits until a nudge may follow the previous one. It reports whether to nudge.
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

// mayNudge reports whether a file may be nudged now, and takes the turn if so.
func (c *Client) mayNudge(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nextNudge.After(now) {
		return false
	}
	c.nextNudge = now.Add(DefaultNudgeInterval)
	return true
}

// sleepUnless sleeps, or returns the error of ctx if that ends first.
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
