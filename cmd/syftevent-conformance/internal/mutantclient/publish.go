package mutantclient

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// keepName is the file without which SyftBox removes an empty folder.
const keepName = ".syftkeep"

// maxAttempts limits how often a request is written again because SyftBox has removed its
// folder meanwhile.
const maxAttempts = 10

// publish makes a request appear whole under its name. It returns fs.ErrExist if the name is
// taken.
func (c *client) publish(f *folder, p *pending) error {
	var err error
	for range maxAttempts {
		if err = c.publishOnce(f, p); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return err
}

func (c *client) publishOnce(f *folder, p *pending) error {
	if _, err := os.Lstat(f.dir); errors.Is(err, fs.ErrNotExist) {
		f.created = time.Now()
	}
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return fmt.Errorf("create folder: %w", err)
	}
	if !c.has("keeps-late") {
		if err := c.keep(f.dir); err != nil {
			return err
		}
	}
	final := filepath.Join(f.dir, p.requestName())
	if c.has("writes-in-place") {
		return writeInPieces(final, p.data)
	}
	temporary := filepath.Join(f.dir, c.temporaryName(p))
	if err := writeNew(temporary, p.data); err != nil {
		return err
	}
	defer os.Remove(temporary)
	if c.has("counts-stems") || c.has("checks-requests") {
		return os.Rename(temporary, final)
	}
	err := os.Link(temporary, final)
	if err == nil || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// File systems without links leave only a check and a rename.
	if _, there := os.Lstat(final); !errors.Is(there, fs.ErrNotExist) {
		return fs.ErrExist
	}
	return os.Rename(temporary, final)
}

// temporaryName returns a name that SyftBox never syncs.
func (c *client) temporaryName(p *pending) string {
	switch {
	case c.has("part-files"):
		return p.requestName() + ".part"
	case c.has("request-temporaries"):
		return "tmp-" + p.requestName()
	case c.has("numbered-temporaries"):
		return p.requestName() + ".tmp.123"
	case c.has("hidden-temporaries"):
		return "." + p.requestName() + "~"
	}
	return "client-" + rand.Text() + ".tmp"
}

// writeNew writes a file that does not exist.
func writeNew(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(name)
		return fmt.Errorf("write file: %w", err)
	}
	return nil
}

// keep puts a .syftkeep into the client's own folder.
func (c *client) keep(dir string) error {
	switch {
	case c.has("keeps-nothing"), c.has("keeps-first-folder") && c.wasKept(dir):
		return nil
	case c.has("keeps-endpoint"):
		dir = filepath.Dir(dir)
	}
	name := filepath.Join(dir, keepName)
	if _, err := os.Lstat(name); err == nil {
		return nil
	}
	if err := writeNew(name, nil); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("keep folder: %w", err)
	}
	return nil
}

// watchDelay is how long SyftBox may take to watch a new folder. A nudge before that is lost.
const watchDelay = 50 * time.Millisecond

// nudgeIfDue writes the first byte of a request again: SyftBox uploads at once only files that
// it sees modified.
func (c *client) nudgeIfDue(f *folder, p *pending) {
	if p.nudged || time.Since(f.created) < watchDelay {
		return
	}
	p.nudged = true
	name := filepath.Join(f.dir, p.requestName())
	if c.skipsNudge(name, p) {
		return
	}
	if err := rewriteFirstByte(name, p.data); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.log.Warn("nudge request failed", "err", err)
	}
}

// rewriteFirstByte changes neither the content nor the size of a file that still is the request.
func rewriteFirstByte(name string, data []byte) error {
	before, err := os.Lstat(name)
	if err != nil {
		return fmt.Errorf("nudge request: %w", err)
	}
	if !before.Mode().IsRegular() || before.Size() != int64(len(data)) {
		return errors.New("nudge request: file was replaced")
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("nudge request: %w", err)
	}
	defer f.Close()
	if opened, err := f.Stat(); err != nil || !os.SameFile(before, opened) {
		return errors.New("nudge request: file was replaced")
	}
	if _, err := f.WriteAt(data[:1], 0); err != nil {
		return fmt.Errorf("nudge request: %w", err)
	}
	return nil
}
