package syftevent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// Why a request has no response. [Future.Wait] returns them within errors that
// name the request.
var (
	// ErrRejected means that SyftBox has refused to carry the request: its
	// server's permissions do not allow it.
	ErrRejected = errors.New("SyftBox has rejected it, the permissions do not allow it")
	// ErrExpired means that no response has come before the request expired.
	ErrExpired = errors.New("it has expired without a response")
	// ErrNotFound means that the request itself is gone.
	ErrNotFound = errors.New("the request does not exist any more")
	// ErrBadResponse means that the response cannot be read.
	ErrBadResponse = errors.New("the response is not one")
)

// A Future is a response that is to come. Its methods may be called
// concurrently; its fields must not be changed.
//
// Once the response was read, the request and the response are removed, the
// request first. Those of a cached request stay until they expire, for the next
// who sends the same.
type Future struct {
	// ID is the id of the request.
	ID string
	// URL is where the request was sent.
	URL URL
	// Expires is when it gives up.
	Expires time.Time

	dir    string
	cached bool

	mu       sync.Mutex
	done     bool
	response *Response
	err      error
	listed   time.Time // when the folder was listed last
	missing  time.Time // since when the request was not seen
	trouble  error     // why the folder could not be read last
	bad      []byte    // a response that cannot be read yet
	badSince time.Time
}

const (
	// listEvery is how often the folder is listed. On NFS a name that was
	// looked for in vain stays absent for half a minute, unless a listing shows
	// that the folder has changed.
	listEvery = time.Second
	// missingFor is how long a request may be away: SyftBox may rename it and
	// bring it back with its next synchronisation, 5 s later.
	missingFor = 12 * time.Second
	// Between two looks of Wait lie these.
	firstLook, lastLook = time.Millisecond, 100 * time.Millisecond
)

// Wait waits for the response. The error is ctx's, [ErrRejected], [ErrExpired],
// [ErrNotFound] or [ErrBadResponse]; a response of any status is none.
func (f *Future) Wait(ctx context.Context) (*Response, error) {
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		response, done, err := f.Poll()
		if done {
			return response, err
		}
		if err := sleepUnless(ctx, pause); err != nil {
			return nil, f.waitError(err)
		}
	}
}

// Poll looks once for the response. Done is true when it is there or will never
// be; then the same is returned each time.
func (f *Future) Poll() (response *Response, done bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.done {
		f.response, f.done, f.err = f.look()
		if f.err != nil {
			f.err = fmt.Errorf("syftevent: request %s to %s: %w", f.ID, f.URL, f.err)
		}
	}
	return f.response, f.done, f.err
}

func (f *Future) look() (response *Response, done bool, err error) {
	now := time.Now()
	root, err := os.OpenRoot(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return f.lookInVain(nil, false, now)
	}
	if f.trouble = err; err != nil {
		return f.lookInVain(nil, true, now) // for all that is known
	}
	defer root.Close()
	names := f.list(root, now)
	data, _, err := spool.ReadFile(root, f.ID+responseSuffix, unlimited)
	if err == nil {
		return f.read(root, data, now)
	}
	_, statErr := root.Lstat(f.ID + requestSuffix)
	there := !errors.Is(statErr, fs.ErrNotExist)
	// SyftBox renames what it rejects: while the request stands, a mark is that
	// of an earlier one.
	if !there && slices.ContainsFunc(names, func(name string) bool { return isRejection(name, f.ID) }) {
		removeRejections(root, ".", f.ID)
		return nil, true, ErrRejected
	}
	return f.lookInVain(root, there, now)
}

// list lists the folder if it was not lately, and otherwise tells of the names
// only the two that matter.
func (f *Future) list(root *os.Root, now time.Time) []string {
	if now.Sub(f.listed) >= listEvery {
		if names, err := listNames(root, "."); err == nil {
			f.listed = now
			return names
		}
	}
	var names []string
	for _, name := range []string{f.ID + ".rejected" + requestSuffix, f.ID + ".syftrejected" + requestSuffix} {
		if _, err := root.Lstat(name); err == nil {
			names = append(names, name)
		}
	}
	return names
}

func listNames(root *os.Root, dir string) ([]string, error) {
	f, err := root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// isRejection reports whether a name is what SyftBox makes of a request when it
// refuses it: with a time behind the marker if it did so before, and without
// dots in its older form.
func isRejection(name, id string) bool {
	rest, ok := strings.CutPrefix(name, id+".")
	return ok && strings.HasSuffix(name, requestSuffix) &&
		(strings.HasPrefix(rest, "rejected.") || strings.HasPrefix(rest, "syftrejected."))
}

// removeRejections removes all that SyftBox has marked as rejected of an id.
func removeRejections(root *os.Root, dir, id string) error {
	names, err := listNames(root, dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if isRejection(name, id) {
			if err := root.Remove(path.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// lookInVain decides whether to go on when there is no response.
func (f *Future) lookInVain(root *os.Root, requestIsThere bool, now time.Time) (*Response, bool, error) {
	if !f.Expires.IsZero() && now.After(f.Expires) {
		if root != nil {
			root.Remove(f.ID + requestSuffix)
		}
		if f.trouble != nil {
			return nil, true, fmt.Errorf("%w; its folder cannot be read: %w", ErrExpired, f.trouble)
		}
		return nil, true, ErrExpired
	}
	switch {
	case requestIsThere:
		f.missing = time.Time{}
	case f.missing.IsZero():
		f.missing = now
	case now.Sub(f.missing) > missingFor:
		return nil, true, ErrNotFound
	}
	return nil, false, nil
}

// read reads a response. One that cannot be read is looked at again until it has
// stayed the same for a while, and is left where it is.
func (f *Future) read(root *os.Root, data []byte, now time.Time) (*Response, bool, error) {
	envelope, err := wire.DecodeResponse(data)
	if err != nil {
		if f.badSince.IsZero() || string(f.bad) != string(data) {
			f.bad, f.badSince = data, now
		}
		if now.Sub(f.badSince) < DefaultSettleTime {
			return nil, false, nil
		}
		return nil, true, fmt.Errorf("%w: %w", ErrBadResponse, err)
	}
	if !f.cached {
		removePair(root.Remove, f.ID) // what cannot be removed, a cleanup will
	}
	// A response whose URL cannot be read is a response all the same.
	u, _ := ParseURL(envelope.URL)
	return &Response{
		ID: envelope.ID, Sender: envelope.Sender, URL: u,
		StatusCode: envelope.StatusCode, Headers: Headers(envelope.Headers), Body: envelope.Body,
		Created: envelope.Created, Expires: envelope.Expires,
	}, true, nil
}

// Futures are responses that are to come, as [Client.Broadcast] returns them.
type Futures []*Future

// A Result is how one of several requests has ended.
type Result struct {
	// Future is that of the request.
	Future *Future
	// Response is nil if there is an error.
	Response *Response
	// Err is as [Future.Wait] returns it.
	Err error
}

// Wait waits for all responses and returns a result for each future, in their
// order. When ctx is done, those that are still to come have its error.
func (fs Futures) Wait(ctx context.Context) []Result {
	results := make([]Result, len(fs))
	for i, future := range fs {
		results[i].Future = future
	}
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		waiting := 0
		for i, future := range fs {
			if results[i].Response != nil || results[i].Err != nil {
				continue
			}
			response, done, err := future.Poll()
			if done {
				results[i].Response, results[i].Err = response, err
			} else {
				waiting++
			}
		}
		if waiting == 0 {
			return results
		}
		if err := sleepUnless(ctx, pause); err != nil {
			for i, future := range fs {
				if results[i].Response == nil && results[i].Err == nil {
					results[i].Err = future.waitError(err)
				}
			}
			return results
		}
	}
}

// waitError is the error of a wait that has ended before the response came.
func (f *Future) waitError(err error) error {
	return fmt.Errorf("syftevent: waiting for the response to request %s: %w", f.ID, err)
}
