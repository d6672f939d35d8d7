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

// publish publishes the cached reply to a request if it is due. If the request is gone,
// the reply stays in the cache until the request returns.
func (s *server) publish(file requestFile) {
	response, final, due := s.replies.due(file)
	if !due {
		return
	}
	if _, err := os.Lstat(s.path(file.request())); err != nil && !s.has("alone") {
		if s.has("lost-away") {
			for range maxPublished {
				s.replies.published(file)
			}
		}
		return
	}
	if !s.has("no-refused-keep") || !refused(response) {
		s.keepSenderDir(file)
	}
	if s.has("journals") {
		s.journal(file)
	}
	err := s.publishFile(file, s.path(final), response)
	if s.shared && errors.Is(err, fs.ErrExist) {
		s.replies.published(file) // by another server
		return
	}
	if err != nil {
		s.log.Error("publish response failed", "path", file.response(), "err", err)
		return
	}
	s.replies.published(file)
}

// keepSenderDir puts a .syftkeep into a sender folder. SyftBox removes empty folders,
// and does not watch a folder that is created again.
func (s *server) keepSenderDir(file requestFile) {
	if file.sender == "" || s.has("no-sender-keep") || s.has("keeps-once") && s.wasKept(file.dir) {
		return
	}
	write := func() {
		if err := writeNew(s.path(path.Join(file.dir, keepName)), ""); err != nil {
			s.log.Error("keep sender folder failed", "err", err)
		}
	}
	if s.has("late-sender-keep") {
		s.workers.Go(func() {
			time.Sleep(defectPause)
			write()
		})
		return
	}
	write()
}

// publishFile makes a response appear whole under its name, never replacing a file.
func (s *server) publishFile(file requestFile, final string, data []byte) error {
	if s.has("in-place") && len(data) > blockSize || s.has("through-links") && isLink(final) {
		return publishInPlace(final, data)
	}
	if s.has("refusals-in-pieces") && refused(data) {
		return publishInPieces(final, data)
	}
	temporary, err := s.writeTemporary(s.temporaryName(file), data)
	if err != nil {
		return err
	}
	if s.has("replaces-late") {
		return os.Rename(temporary, final)
	}
	err = os.Link(temporary, final)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		// File systems without links leave only stat and rename.
		if _, there := os.Lstat(final); errors.Is(there, fs.ErrNotExist) {
			err = os.Rename(temporary, final)
		}
	}
	if s.has("untidy-beaten") && errors.Is(err, fs.ErrExist) {
		return err
	}
	if removed := s.removeTemporary(temporary); err == nil && removed != nil && !errors.Is(removed, fs.ErrNotExist) {
		s.log.Warn("remove temporary file failed", "err", removed)
	}
	if err != nil {
		return err
	}
	switch {
	case !s.replies.isFirst(file):
	case s.has("rewrites"):
		s.replaceAfter(defectPause, final, data)
	case s.has("rewrites-refusals") && refused(data):
		s.replaceAfter(defectPause/20, final, data)
	}
	switch {
	case s.has("no-nudge"):
		return nil
	case s.has("nudges-times"):
		return os.Chtimes(final, time.Now(), time.Now())
	case s.has("nudges-with-line"):
		return appendLine(final)
	case s.has("nudges-whole"):
		return os.WriteFile(final, data, 0o644)
	}
	return s.nudge(file.dir, final)
}

func (s *server) removeTemporary(name string) error {
	if s.has("untidy") {
		return nil
	}
	return os.Remove(name)
}

// temporaryName returns a name below rpc that SyftBox ignores.
func (s *server) temporaryName(file requestFile) string {
	switch {
	case s.has("part-names"):
		return file.response() + ".part"
	case s.has("response-names"):
		return path.Join(file.dir, file.stem+".tmp"+responseSuffix)
	case s.has("long-temporaries") && file.stem != "":
		return file.response() + "." + rand.Text() + ".tmp"
	case s.has("id-temporary") && file.stem != "":
		return path.Join(file.dir, s.jsonID(file)+".tmp")
	}
	return path.Join(file.dir, "mutant-"+rand.Text()+".tmp")
}

// writeTemporary writes a file below rpc.
func (s *server) writeTemporary(name string, data []byte) (string, error) {
	name = s.path(name)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", fmt.Errorf("create temporary file: %w", err)
	}
	_, err = f.Write(data)
	if s.has("secret-mode") {
		err = errors.Join(err, f.Chmod(0))
	}
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(name)
		return "", fmt.Errorf("write temporary file: %w", err)
	}
	return name, nil
}

// watchDelay is how long SyftBox may take to watch a new directory.
const watchDelay = 30 * time.Millisecond

// nudge writes to a published response without changing it: SyftBox uploads at once only
// files that it sees modified.
func (s *server) nudge(dir, name string) error {
	s.mu.Lock()
	firstSeen := s.firstSeen[dir]
	s.mu.Unlock()
	time.Sleep(time.Until(firstSeen.Add(watchDelay)))
	before, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !before.Mode().IsRegular() {
		return nil // removed or replaced meanwhile
	}
	if err != nil {
		return fmt.Errorf("nudge response: %w", err)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("nudge response: %w", err)
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
		return fmt.Errorf("nudge response: %w", err)
	}
	if _, err := f.WriteAt(first[:], 0); err != nil {
		return fmt.Errorf("nudge response: %w", err)
	}
	return nil
}
