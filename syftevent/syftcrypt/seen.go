package syftcrypt

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
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
)

// seen remembers messages without a seal in files, one for each message, so that no process of
// the user accepts one again after a restart or in another app. Messages with a seal do not need
// it: a seal names the request.
type seen struct {
	mu    sync.Mutex
	since map[string]int // messages of each person since the oldest were removed
}

// accept records a message as part of a request or a response. It returns ErrReplay if it was
// part of another one.
func (s *seen) accept(dir, person string, message, of digest) error {
	sum := sha256.Sum256([]byte(person))
	dir = filepath.Join(dir, seenName, hex.EncodeToString(sum[:16]))
	name := filepath.Join(dir, hex.EncodeToString(message[:]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
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
		prune(dir)
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

// prune removes the oldest files of a directory that has too many.
func prune(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) <= seenPerPerson {
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
	for _, file := range files[:max(0, len(files)-seenPerPerson)] {
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
