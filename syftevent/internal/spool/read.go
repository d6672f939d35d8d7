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

// A State says what a file's bytes are worth.
type State int

const (
	// Whole: the bytes are complete.
	Whole State = iota
	// Pending: more may come. Scan offers the file again when it is due.
	Pending
	// Settled: the bytes are not complete, and have stayed the same for
	// Options.Settle.
	Settled
	// TooLarge: the file is larger than Options.MaxSize and was not read.
	TooLarge
	// Larger: the file is larger than the caller wanted to read.
	Larger
)

var errTooDeep = fmt.Errorf("is more than %d directories deep", rootfs.MaxDepth)

// Between two readings of an incomplete file lie at least firstPause, then twice
// as much each time, up to lastPause; up to longPause if it cannot be read at all.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 250 * time.Millisecond
	longPause  = 30 * time.Second
)

// pending is what is known of a file that was found incomplete. Times are of
// this process's monotonic clock: a file's own times may be another machine's.
type pending struct {
	sum   [sha256.Size]byte
	since time.Time // when these bytes were first read
	pause time.Duration
	next  time.Time // when to read again
}

// Size returns the size in bytes of a file that asks.
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

// Read reads a file that asks and is out, if it has no more bytes than most. A file
// that is gone gives ErrNotExist; one that cannot be read is Pending, and logged.
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
		return nil, Pending, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	case s.relieve(err), rootfs.IsOutOfDescriptors(err):
		s.wait(entry, sha256.Sum256(nil), time.Now(), lastPause)
		return nil, Pending, nil
	case err != nil:
		// Not the fault of whoever wrote it: it never settles.
		s.trouble(name, err)
		s.wait(entry, sha256.Sum256([]byte(err.Error())), time.Now(), longPause)
		return nil, Pending, nil
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
	return nil, Pending, nil
}

func (s *Spool) read(entry Entry, most int64) (data []byte, info fs.FileInfo, steady bool, err error) {
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

// settleTime is how long an incomplete file must stay the same.
func (s *Spool) settleTime() time.Duration {
	if s.Trusted() {
		return s.options.Settle
	}
	return s.options.SettleRemote
}

// wait notes that a file was read and found incomplete, and returns since when
// it has had these bytes.
func (s *Spool) wait(entry Entry, sum [sha256.Size]byte, now time.Time, longest time.Duration) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.asked[entry.Dir][entry.Stem]
	if f == nil {
		return now // not out: its state is of use to nobody
	}
	if p := f.pending; p == nil || p.sum != sum {
		f.pending = &pending{sum: sum, since: now, pause: firstPause}
	} else {
		p.pause = min(2*p.pause, longest)
	}
	f.pending.next = now.Add(f.pending.pause)
	return f.pending.since
}

// settled notes that nothing more is expected of a file.
func (s *Spool) settled(entry Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.asked[entry.Dir][entry.Stem]; f != nil {
		f.pending = nil
	}
}
