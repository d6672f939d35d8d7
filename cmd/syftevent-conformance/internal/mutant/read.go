package mutant

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"
)

var errIncomplete = errors.New("file is incomplete")

// A refusal is the error of a request that is answered without running it, or that its
// handler refuses.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// read returns the content of a request. The error is a *refusal if the request must
// be answered, errIncomplete if it must be read again later.
func (s *server) read(file requestFile) ([]byte, error) {
	began := time.Now()
	data, err := s.readFile(s.path(file.request()))
	if s.has("deep-dies") && depth(data) > 1000 {
		exitFatal(s.log, "maximum recursion depth exceeded")
	}
	if s.has("surrogate-dies") && bytes.Contains(data, []byte(`\ud800"`)) {
		exitFatal(s.log, "surrogates not allowed")
	}
	switch {
	case errors.As(err, new(*refusal)):
		return data, err
	case err != nil:
		s.incomplete.drop(file.request())
		return nil, err
	case s.isComplete(data):
		s.incomplete.drop(file.request())
		if s.has("first-value") {
			data = firstValue(data)
		}
		return data, nil
	case s.has("half"):
	case s.has("settles-by-file") && s.isOldFile(file):
	case s.has("skips-zero-bytes") && len(data) == 0:
		return nil, errIncomplete
	case s.has("patient") || !s.incomplete.settled(file.request(), data, began):
		if s.has("once-read") || s.has("cut-character") && !utf8.Valid(data) {
			s.ignore(file)
		}
		return nil, errIncomplete
	}
	return data, refuse(400, "Error loading request: not JSON")
}

// readFile reads a regular file up to the size limit.
func (s *server) readFile(name string) ([]byte, error) {
	stat, limit := os.Lstat, s.maxSize
	if s.has("follow-links") {
		stat = os.Stat
	}
	if s.has("type-when-queued") {
		return os.ReadFile(name)
	}
	if s.has("any-size") || s.has("counts-bodies") {
		limit = 1 << 40
	}
	before, err := stat(name)
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	if !before.Mode().IsRegular() {
		return nil, fmt.Errorf("read request %s: not a regular file", name)
	}
	// Another file may have replaced it: O_NONBLOCK keeps a FIFO from blocking, and
	// SameFile detects the rest.
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	if s.has("leaks") {
		s.keepOpen(f)
	} else {
		defer f.Close()
	}
	if opened, err := f.Stat(); err != nil || !os.SameFile(before, opened) {
		return nil, fmt.Errorf("read request %s: file was replaced: %w", name, errIncomplete)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	if int64(len(data)) > limit {
		return data, refuse(413, "Request too large")
	}
	return data, nil
}

// A content is what a file held, and since when.
type content struct {
	sum   [sha256.Size]byte
	since time.Time
}

// incompleteFiles tracks incomplete requests and empty responses, by path, until their
// content has settled.
type incompleteFiles struct {
	defect
	settle time.Duration

	mu   sync.Mutex
	seen map[string]content
}

// settled reports whether the content of a file, read at a time or later, has not changed
// for the settle time.
func (f *incompleteFiles) settled(name string, data []byte, at time.Time) bool {
	sum := f.sum(data)
	f.mu.Lock()
	defer f.mu.Unlock()
	before, known := f.seen[name]
	if !known || before.sum != sum && !f.has("impatient") {
		f.seen[name] = content{sum, time.Now()}
		return false
	}
	return at.Sub(before.since) >= f.settle
}

// drop stops tracking a file.
func (f *incompleteFiles) drop(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.seen, name)
}
