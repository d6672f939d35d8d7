package mutant

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// A sight is what a file held when it was looked at, and since when.
type sight struct {
	sum   [sha256.Size]byte
	since time.Time
}

// errNotYet is of a file of which more may come.
var errNotYet = errors.New("the file is not complete")

// A refusal is the error of a file that is no request.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// read returns the bytes of a request. The error is a *refusal if it must be
// answered all the same.
func (s *server) read(p place) ([]byte, error) {
	data, err := s.readFile(s.path(p.request()))
	switch {
	case errors.As(err, new(*refusal)):
		return data, err
	case err != nil:
		s.forget(p.request())
		return nil, err
	case json.Valid(data):
		s.forget(p.request())
		return data, nil
	case s.has("half"):
	case s.has("patient") || !s.settled(p.request(), data):
		if s.has("once-read") {
			s.ignore(p)
		}
		return nil, errNotYet
	}
	return data, refuse(400, "Error loading request: not JSON")
}

// readFile reads a regular file, and no other, of a size that is allowed.
func (s *server) readFile(name string) ([]byte, error) {
	look, limit := os.Lstat, s.maxSize
	if s.has("follow-links") {
		look = os.Stat
	}
	if s.has("any-size") {
		limit = 1 << 40
	}
	before, err := look(name)
	if err != nil {
		return nil, fmt.Errorf("looking at a request: %w", err)
	}
	if !before.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", name)
	}
	// It may have been replaced since: an open that waits for nobody, and then
	// another look.
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a request: %w", err)
	}
	defer f.Close()
	if opened, err := f.Stat(); err != nil || !os.SameFile(before, opened) {
		return nil, fmt.Errorf("%s was replaced: %w", name, errNotYet)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading a request: %w", err)
	}
	if int64(len(data)) > limit {
		return data, refuse(413, "Request too large")
	}
	return data, nil
}

// settled reports whether a file has held the same for the settle time.
func (s *server) settled(name string, data []byte) bool {
	sum := sha256.Sum256(data)
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, known := s.pending[name]
	if !known || seen.sum != sum && !s.has("impatient") {
		s.pending[name] = sight{sum, time.Now()}
		return false
	}
	return time.Since(seen.since) >= s.settle
}

// forget ends the watch over a file.
func (s *server) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, name)
}
