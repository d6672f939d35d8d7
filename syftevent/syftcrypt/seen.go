package syftcrypt

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	seenName = "syftevent-seen"
	// seenPerPerson is the number of messages without a seal that are remembered on disk of each
	// person.
	seenPerPerson = 1024
	// seenSlack is the number of messages after which the oldest are removed.
	seenSlack = 128
	// seenTotal is the number of messages without a seal that are remembered on disk of all people.
	// A process may add a 64th of it before it removes the oldest.
	seenTotal = 65536
)

// seen remembers messages without a seal in files, one for each message, so that no process of
// the user accepts one again after a restart or in another app. Messages with a seal do not need
// it: a seal names the request.
type seen struct {
	mu    sync.Mutex
	since map[string]int // messages of each person since the oldest were removed
	total int            // seenTotal; another one for tests
	left  int            // messages before the files are counted again
}

// accept records a message as part of a request or a response. It returns ErrReplay if it was
// part of another one.
func (s *seen) accept(dir, person string, message, of digest) error {
	sum := sha256.Sum256([]byte(person))
	dir = filepath.Join(dir, seenName, hex.EncodeToString(sum[:16]))
	name := filepath.Join(dir, hex.EncodeToString(message[:]))
	f, err := createIn(dir, name)
	if errors.Is(err, fs.ErrExist) {
		known, err := os.ReadFile(name)
		for i := 0; i < 20 && err == nil && len(known) < len(of); i++ {
			time.Sleep(5 * time.Millisecond) // another process writes it
			known, err = os.ReadFile(name)
		}
		if err == nil && !bytes.Equal(known, of[:]) { // or empty, after a power loss
			return ErrReplay
		}
		return err
	}
	if err != nil {
		return err
	}
	_, err = f.Write(of[:])
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(name)
		return fmt.Errorf("record message: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	since, known := s.since[person]
	if !known || since >= seenSlack {
		since = 0
		prune(dir, seenPerPerson)
	}
	if s.left--; s.left < 0 {
		s.limit(filepath.Dir(dir))
	}
	if len(s.since) >= maxPeers {
		clear(s.since)
	}
	if s.since == nil {
		s.since = map[string]int{}
	}
	s.since[person] = since + 1
	return nil
}

// createIn creates a file in a directory, which another process may remove while it is empty.
func createIn(dir, name string) (f *os.File, err error) {
	for range 10 {
		if err = os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return f, err
}

// limit removes the oldest files of whoever has the most, while there are too many in total.
func (s *seen) limit(dir string) {
	total := cmp.Or(s.total, seenTotal)
	s.left = total / 64
	people, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	counts, all := map[string]int{}, 0
	for _, person := range people {
		if entries, err := os.ReadDir(filepath.Join(dir, person.Name())); err == nil {
			counts[person.Name()] = len(entries)
			all += len(entries)
		}
	}
	if all <= total {
		return
	}
	// The largest number of files that everybody may have.
	sizes := slices.Sorted(maps.Values(counts))
	most, rest := 0, total
	for i, size := range sizes {
		most = rest / (len(sizes) - i)
		if size > most {
			break
		}
		rest -= size
	}
	for person, size := range counts {
		if size > most {
			prune(filepath.Join(dir, person), most)
			os.Remove(filepath.Join(dir, person)) // if it is empty
		}
	}
}

// prune removes the oldest files of a directory, so that a number of them is left.
func prune(dir string, keep int) {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) <= keep {
		return
	}
	type aged struct {
		name string
		at   time.Time
	}
	var files []aged
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			files = append(files, aged{entry.Name(), info.ModTime()})
		}
	}
	slices.SortFunc(files, func(a, b aged) int { return a.at.Compare(b.at) })
	for _, file := range files[:max(0, len(files)-keep)] {
		os.Remove(filepath.Join(dir, file.name))
	}
}

// accept records a message as part of a request or a response. It returns ErrReplay if it was
// part of another one, or of the same one too often.
func (k *Keys) accept(person string, message, of digest, sealed bool) (*use, error) {
	person = canonicalAddress(person)
	if !sealed {
		// First, because memory must not learn of a replay.
		if err := k.s.seen.accept(k.s.dir, person, message, of); err != nil {
			return nil, err
		}
	}
	if u := k.s.replays.accept(person, message, of); u != nil {
		return u, nil
	}
	return nil, ErrReplay
}
