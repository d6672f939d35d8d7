package spool

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A State is the state of an input that was read.
type State int

const (
	// Whole: the bytes are complete.
	Whole State = iota
	// Incomplete: more may come. Scan offers the input again when it is due.
	Incomplete
	// Settled: the bytes are not complete, and have not changed for Options.Settle.
	Settled
	// TooLarge: the file is larger than Options.MaxSize and was not read.
	TooLarge
	// Larger: the file is larger than the limit of the caller.
	Larger
)

var errTooDeep = fmt.Errorf("is more than %d directories deep", rootfs.MaxDepth)

// The pause between two reads of an incomplete input is at first firstPause, and doubles up to
// lastPause, or up to longPause if the input cannot be read.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 250 * time.Millisecond
	longPause  = 30 * time.Second
)

// incomplete is the state of an incomplete input. Its times are of this process's monotonic
// clock: the file's own may be another machine's.
type incomplete struct {
	sum   [sha256.Size]byte
	since time.Time // when these bytes were first read
	pause time.Duration
	next  time.Time // when to read again
}

// Size returns the size of an input in bytes.
func (s *Spool) Size(entry Entry) (int64, error) {
	p, err := s.acquire(entry.Dir)
	if err != nil {
		return 0, err
	}
	defer s.release(p)
	info, err := p.root.Lstat(entry.Stem + s.options.In)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Read reads an input that is in flight, if its size is at most most bytes. It returns
// fs.ErrNotExist if the input is gone. An input that cannot be read is Incomplete, and the
// failure is logged.
func (s *Spool) Read(entry Entry, most int64) ([]byte, State, error) {
	name := path.Join(entry.Dir, entry.Stem) + s.options.In
	data, info, steady, err := s.read(entry, min(most, s.options.MaxSize))
	switch {
	case errors.Is(err, rootfs.ErrTooLarge) && info.Size() <= s.options.MaxSize:
		return nil, Larger, nil
	case errors.Is(err, rootfs.ErrTooLarge):
		s.settled(entry)
		return nil, TooLarge, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, rootfs.ErrNotRegular):
		s.settled(entry)
		s.forgetTrouble(name)
		return nil, Incomplete, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	case s.relieve(err), rootfs.IsOutOfDescriptors(err):
		s.wait(entry, sha256.Sum256(nil), time.Now(), lastPause)
		return nil, Incomplete, nil
	case err != nil:
		// Not the writer's fault: it never settles.
		s.trouble(name, err)
		s.wait(entry, sha256.Sum256([]byte(err.Error())), time.Now(), longPause)
		return nil, Incomplete, nil
	}
	s.trouble(name, nil)
	if steady && s.options.Complete(data) {
		s.settled(entry)
		return data, Whole, nil
	}
	now := time.Now()
	if since := s.wait(entry, sha256.Sum256(data), now, lastPause); steady && now.Sub(since) >= s.settleTime() {
		s.settled(entry)
		return data, Settled, nil
	}
	return nil, Incomplete, nil
}

// read reads an input, once more with a new handle if that of its directory was stale.
func (s *Spool) read(entry Entry, most int64) (data []byte, info fs.FileInfo, steady bool, err error) {
	if data, info, steady, err = s.readOnce(entry, most); rootfs.IsStale(err) {
		data, info, steady, err = s.readOnce(entry, most)
	}
	return data, info, steady, err
}

func (s *Spool) readOnce(entry Entry, most int64) (data []byte, info fs.FileInfo, steady bool, err error) {
	p, err := s.acquire(entry.Dir)
	if err != nil {
		return nil, nil, false, err
	}
	defer s.release(p)
	data, info, steady, err = rootfs.ReadRegular(p.root, entry.Stem+s.options.In, most)
	if rootfs.IsStale(err) {
		s.retire(entry.Dir, p)
	}
	return data, info, steady, err
}

// settleTime returns Options.Settle or SettleRemote.
func (s *Spool) settleTime() time.Duration {
	if s.Trusted() {
		return s.options.Settle
	}
	return s.options.SettleRemote
}

// wait schedules the next read of an incomplete input, and returns since when it has had
// these bytes.
func (s *Spool) wait(entry Entry, sum [sha256.Size]byte, now time.Time, longest time.Duration) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.tracked[entry.Dir][entry.Stem]
	if f == nil {
		return now // not in flight
	}
	if p := f.incomplete; p == nil || p.sum != sum {
		f.incomplete = &incomplete{sum: sum, since: now, pause: firstPause}
	} else {
		p.pause = min(2*p.pause, longest)
	}
	f.incomplete.next = now.Add(f.incomplete.pause)
	return f.incomplete.since
}

// settled records that an input is not read again.
func (s *Spool) settled(entry Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.tracked[entry.Dir][entry.Stem]; f != nil {
		f.incomplete = nil
	}
}
