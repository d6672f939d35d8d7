// Package sweep removes the old requests and responses of an app.
package sweep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// A Sweeper removes the old files of an app.
type Sweeper struct {
	Dir        string                // the app's "rpc" directory
	Expiry     time.Duration         // the age at which a file is removed
	Keep       int                   // the number of answered pairs that a directory keeps; 0 for all
	IsEndpoint func(dir string) bool // whether a directory is kept; nil for none
	MaxSize    int64                 // larger files are not read for their age; rootfs.Unlimited for no limit
	MaxListed  int                   // rootfs.Walk.MaxListed
	Logger     *slog.Logger
}

// Stats are the figures of one run.
type Stats struct {
	Requests, Responses int // that were removed
	Errors              int // files and directories that could not be read or removed
}

// freshFor is how long a response is kept regardless of its request's age: the client may
// not have fetched it yet.
const freshFor = time.Hour

// farAhead is the tolerated difference between a file's time and the file system's clock.
const farAhead = 24 * time.Hour

// A sweep is one run.
type sweep struct {
	*Sweeper
	root   *os.Root
	anchor *os.File  // the same directory, for reading stamps
	cname  []byte    // the buffer of enter
	now    time.Time // by this machine's clock, for "created"
	fsNow  time.Time // by the file system's clock, for file times
	stats  Stats
	open   []folder // the current directory, after those above it
}

// Sweep removes old files. A directory that does not exist is not an error. It returns ctx's
// error, or one if nothing could be done; failures of single files are counted and logged.
func (s *Sweeper) Sweep(ctx context.Context) (Stats, error) {
	root, err := os.OpenRoot(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Stats{}, nil
	}
	if err != nil {
		return Stats{}, fmt.Errorf("syftevent: clean up: %w", err)
	}
	defer root.Close()
	run, err := s.begin(root)
	if err != nil {
		return Stats{}, err
	}
	defer run.anchor.Close()
	walk := rootfs.Walk{Root: root, Suffixes: []string{protocol.RequestSuffix, protocol.ResponseSuffix}, MaxListed: s.MaxListed}
	err = walk.Directories(func(dir string, part rootfs.Part, err error) error {
		if err != nil {
			run.keepFolder(dir)
			run.failed(dir, err)
			return nil
		}
		run.directory(ctx, dir, part.Names)
		return ctx.Err()
	})
	if err == nil {
		run.leaveUntil("")
	}
	return run.stats, err
}

// begin prepares a run in the open directory Dir. The caller closes its anchor.
func (s *Sweeper) begin(root *os.Root) (*sweep, error) {
	anchor, err := root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("syftevent: clean up: %w", err)
	}
	fsNow, err := rootfs.Now(root, protocol.ServeTempPrefix)
	if err != nil {
		anchor.Close()
		return nil, fmt.Errorf("syftevent: get file system time of %s: %w", s.Dir, err)
	}
	return &sweep{Sweeper: s, root: root, anchor: anchor, now: time.Now(), fsNow: fsNow}, nil
}

// directory removes the old files of one directory, or of a part of it, which has requests
// and their responses together.
func (s *sweep) directory(ctx context.Context, dir string, names []rootfs.Name) {
	s.enter(dir, names)
	responses := map[string]bool{}
	var pairs []string // answered, and not removed
	for _, entry := range names {
		if stem, ok := strings.CutSuffix(entry.Name, protocol.ResponseSuffix); ok && entry.Regular {
			responses[stem] = true
		}
	}
	for _, entry := range names {
		if ctx.Err() != nil {
			return
		}
		name := entry.Name
		stem, isRequest := strings.CutSuffix(name, protocol.RequestSuffix)
		switch {
		case !entry.Regular:
		case isLeftover(name):
			s.leftover(path.Join(dir, name))
		case isRequest:
			if !s.request(path.Join(dir, stem), responses[stem]) && responses[stem] {
				pairs = append(pairs, path.Join(dir, stem))
			}
			delete(responses, stem)
		}
	}
	for stem := range responses {
		s.orphan(path.Join(dir, stem))
	}
	if s.Keep > 0 && len(pairs) > s.Keep {
		s.trim(ctx, pairs)
	}
}

// isLeftover reports whether a name is that of a temporary file, or of a file that SyftBox
// marked as rejected or in conflict.
func isLeftover(name string) bool {
	return protocol.IsMarked(name) || strings.HasSuffix(name, ".tmp") || strings.Contains(name, ".syft.tmp.") ||
		strings.Contains(name, protocol.RequestSuffix+".tmp.") || strings.Contains(name, protocol.ResponseSuffix+".tmp.")
}

// modified returns a file's modification time by the file system's clock. A time far in the
// future would never become old, so it is set to now. SyftBox does not sync times.
func (s *sweep) modified(name string, at time.Time) time.Time {
	if at.Sub(s.fsNow) <= farAhead {
		return at
	}
	if err := s.root.Chtimes(name, time.Time{}, s.fsNow); err != nil {
		s.failed(name, err)
	}
	return s.fsNow
}

// isOld reports whether a time of the file system is long past.
func (s *sweep) isOld(modified time.Time) bool { return s.fsNow.Sub(modified) > s.Expiry }

// isFresh reports whether a response was written so lately that it is kept.
func (s *sweep) isFresh(modified time.Time) bool {
	return s.fsNow.Sub(modified) < min(s.Expiry, freshFor)
}

// read reads a file that may tell its age, and returns when it was modified. Of a
// file that is too large nothing else is known.
func (s *sweep) read(name string) (data []byte, modified time.Time, err error) {
	data, info, err := rootfs.ReadFile(s.root, name, s.MaxSize)
	if err != nil && !errors.Is(err, rootfs.ErrTooLarge) {
		return nil, time.Time{}, err
	}
	return data, s.modified(name, info.ModTime()), nil
}

// request removes a request and its response, if both may go, and reports whether it did.
func (s *sweep) request(name string, answered bool) bool {
	data, modified, err := s.read(name + protocol.RequestSuffix)
	if err != nil {
		s.failed(name+protocol.RequestSuffix, err)
		return false
	}
	envelope, decodeErr := wire.DecodeRequest(data)
	if decodeErr != nil {
		envelope = &wire.Request{}
	}
	if s.ageOf(envelope.Created, modified) <= s.Expiry {
		return false
	}
	if answered {
		response, err := s.root.Lstat(name + protocol.ResponseSuffix)
		if err != nil || s.isFresh(s.modified(name+protocol.ResponseSuffix, response.ModTime())) {
			return false
		}
		// An empty response is none [publish-empty]; the server is about to replace it.
		answered = response.Size() > 0
	}
	if !answered && decodeErr == nil && !s.hasExpired(envelope, modified) {
		return false
	}
	s.removePair(name, answered)
	return true
}

func (s *sweep) removePair(name string, answered bool) {
	protocol.RemovePair(func(file string) error {
		switch {
		case strings.HasSuffix(file, protocol.ResponseSuffix) && !answered:
			return nil
		case !s.remove(file):
			return errNotRemoved
		case strings.HasSuffix(file, protocol.ResponseSuffix):
			s.stats.Responses++
		default:
			s.stats.Requests++
		}
		return nil
	}, name)
}

// errNotRemoved stands for an error that was counted and logged.
var errNotRemoved = errors.New("not removed")

// hasExpired reports whether nobody waits for a response any more. A request without an
// expiry expires a day after the server reads it, which is not before it arrived.
func (s *sweep) hasExpired(envelope *wire.Request, modified time.Time) bool {
	if envelope.Expires.IsZero() {
		return s.fsNow.Sub(modified) > wire.DefaultExpiry
	}
	return s.now.After(envelope.Expires)
}

// ageOf returns the age by the envelope, or by the file's time.
func (s *sweep) ageOf(created, modified time.Time) time.Duration {
	if !created.IsZero() && !created.After(s.now) {
		return s.now.Sub(created)
	}
	return s.fsNow.Sub(modified)
}

// orphan removes an old response that has no request.
func (s *sweep) orphan(name string) {
	data, modified, err := s.read(name + protocol.ResponseSuffix)
	if err != nil {
		s.failed(name+protocol.ResponseSuffix, err)
		return
	}
	var created time.Time
	if envelope, err := wire.DecodeResponse(data); err == nil {
		created = envelope.Created
	}
	if s.ageOf(created, modified) > s.Expiry && !s.isFresh(modified) && s.remove(name+protocol.ResponseSuffix) {
		s.stats.Responses++
	}
}

// leftover removes a file of which only the time tells its age.
func (s *sweep) leftover(name string) {
	info, err := s.root.Lstat(name)
	if err == nil && s.isOld(s.modified(name, info.ModTime())) {
		s.remove(name)
	}
}

// remove removes a file or an empty directory, and reports whether it did.
func (s *sweep) remove(name string) bool {
	err := s.root.Remove(name)
	if err != nil {
		s.failed(name, err)
	}
	return err == nil
}

// failed counts and logs a failure. That a file is gone, or a directory no longer empty, is
// not one.
func (s *sweep) failed(name string, err error) {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		return
	}
	s.stats.Errors++
	s.Logger.Warn("syftevent: cleanup of file failed", "path", path.Join(s.Dir, name), "err", err)
}
