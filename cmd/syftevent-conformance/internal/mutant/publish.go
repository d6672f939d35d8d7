package mutant

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"
)

// publish publishes the response that is remembered for a request, unless the
// request has gone: then it is kept until the request is back.
func (s *server) publish(p place) {
	response, final, ok := s.unpublished(p)
	if !ok {
		return
	}
	if _, err := os.Lstat(s.path(p.request())); err != nil && !s.has("alone") {
		for range publishedMost {
			if s.has("lost-away") {
				s.published(p)
			}
		}
		return
	}
	s.keepSender(p)
	if err := s.publishFile(p, s.path(final), response); err != nil {
		s.log.Printf("publishing %s: %v", p.response(), err)
		return
	}
	s.published(p)
}

// keepSender puts a .syftkeep into the folder of a sender: SyftBox would remove the
// folder when it is empty, and not watch it when it is made again.
func (s *server) keepSender(p place) {
	if p.sender == "" || s.has("no-sender-keep") || s.has("keeps-once") && s.wasKept(p.folder) {
		return
	}
	write := func() {
		if err := writeNew(s.path(path.Join(p.folder, keepName)), ""); err != nil {
			s.log.Printf("keeping the folder of a sender: %v", err)
		}
	}
	if s.has("late-sender-keep") {
		s.work.Go(func() {
			time.Sleep(wrongPause)
			write()
		})
		return
	}
	write()
}

// publishFile lets a response appear under its name whole, and never in place of
// another.
func (s *server) publishFile(p place, final string, data []byte) error {
	if s.has("in-place") && len(data) > blockSize || s.has("through-links") && isLink(final) {
		return s.publishInPlace(final, data)
	}
	temporary, err := s.writeTemporary(p.folder, data)
	if err != nil {
		return err
	}
	err = os.Link(temporary, final)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		// Where there are no links, a look and a rename are all that is left.
		if _, there := os.Lstat(final); errors.Is(there, fs.ErrNotExist) {
			err = os.Rename(temporary, final)
		}
	}
	if removed := s.removeTemporary(temporary); err == nil && removed != nil && !errors.Is(removed, fs.ErrNotExist) {
		s.log.Printf("removing a temporary file: %v", removed)
	}
	if err != nil {
		return err
	}
	if s.has("rewrites") && s.isFirst(p) {
		s.rewriteLater(final, data)
	}
	if s.has("no-nudge") {
		return nil
	}
	return s.nudge(p.folder, final)
}

func (s *server) removeTemporary(name string) error {
	if s.has("untidy") {
		return nil
	}
	return os.Remove(name)
}

// writeTemporary writes a file under a name that SyftBox passes over.
func (s *server) writeTemporary(folder string, data []byte) (string, error) {
	name := s.path(path.Join(folder, "mutant-"+rand.Text()+".tmp"))
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", fmt.Errorf("making a temporary file: %w", err)
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(name)
		return "", fmt.Errorf("writing a temporary file: %w", err)
	}
	return name, nil
}

// watchDelay is how long SyftBox may take to watch a folder that is new.
const watchDelay = 30 * time.Millisecond

// nudge modifies a file without a change: SyftBox uploads at once only what it
// sees modified.
func (s *server) nudge(folder, name string) error {
	s.mu.Lock()
	met := s.folders[folder]
	s.mu.Unlock()
	time.Sleep(time.Until(met.Add(watchDelay)))
	before, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !before.Mode().IsRegular() {
		return nil // somebody has been here
	}
	if err != nil {
		return fmt.Errorf("looking at a response: %w", err)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening a response: %w", err)
	}
	defer f.Close()
	opened, err := f.Stat()
	if err != nil || !os.SameFile(before, opened) {
		return err
	}
	return rewriteFirstByte(f)
}

// rewriteFirstByte writes the first byte of a file back unchanged. Truncating the file
// to its own size would raise the same event, but ext4 then commits the size before the
// data: after a power loss the file holds NULs.
func rewriteFirstByte(f *os.File) error {
	var first [1]byte
	if _, err := f.ReadAt(first[:], 0); err != nil {
		return fmt.Errorf("read first byte: %w", err)
	}
	if _, err := f.WriteAt(first[:], 0); err != nil {
		return fmt.Errorf("rewrite first byte: %w", err)
	}
	return nil
}
