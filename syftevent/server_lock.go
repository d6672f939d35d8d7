package syftevent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrAppServed means that another server serves the app already.
var ErrAppServed = errors.New("syftevent: the app is served by another process")

// lockNames are the files of which a server keeps one locked, in the folder of its
// app: the first, unless a folder, say, has that name. SyftBox carries neither to
// other machines, and what cleans up temporary files leaves the first alone.
var lockNames = [2]string{keepName, ".syftevent-lock.tmp"}

const (
	// lockWait is how long a server waits for the one before it to drain.
	lockWait = 10 * time.Second
	// lockPause is how often it looks.
	lockPause = 50 * time.Millisecond
	// lockCheck is how often a running server makes sure that it has the lock.
	lockCheck = time.Second
)

// errLocked is what tryLock returns for a file that another has locked.
var errLocked = errors.New("locked")

// An appLock keeps other servers from an app. It is held as long as its file has its
// name: without that, another server can lock a new one.
type appLock struct {
	dir    string // the app's folder
	logger *slog.Logger

	file    *os.File // nil while it is not held
	path    string   // of the file
	signed  bool     // the file says who has it
	without bool     // files cannot be locked here
	logged  string   // the last failure that was logged
}

// acquire takes the lock, for which it waits ten seconds. Where locks do not work, or
// none can be made, it goes on without: the log says so.
func (l *appLock) acquire(ctx context.Context) error {
	deadline := time.Now().Add(lockWait)
	for {
		err := l.take()
		if !errors.Is(err, ErrAppServed) {
			return nil
		}
		if time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// take takes the lock if nobody has it. The error is ErrAppServed if somebody has,
// otherwise what has failed, which is logged.
func (l *appLock) take() error {
	path := l.choose()
	err := l.takeFile(path)
	switch {
	case err == nil && path == l.first():
	case err == nil:
		l.report("syftevent: the usual file for the lock of the app is not a regular file, using another", fmt.Errorf("locked %s", path))
	case errors.Is(err, ErrAppServed), errors.Is(err, fs.ErrNotExist): // the folder is gone
	default:
		l.without = errors.Is(err, errNoLocks)
		l.report("syftevent: the app cannot be locked, so nothing keeps a second server from it", err)
	}
	return err
}

func (l *appLock) first() string { return filepath.Join(l.dir, lockNames[0]) }

// choose returns the file to lock: the first, unless its name is that of something else
// than a file. Whoever has locked the other one makes sure of that, so that all servers
// choose the same.
func (l *appLock) choose() string {
	if info, err := os.Lstat(l.first()); err == nil && !info.Mode().IsRegular() {
		return filepath.Join(l.dir, lockNames[1])
	}
	return l.first()
}

// errNoLocks means that the file system has no locks.
var errNoLocks = errors.New("files cannot be locked here")

// takeFile locks a file, which unlocks when it is closed or the process ends.
func (l *appLock) takeFile(path string) error {
	const attempts = 3
	for range attempts {
		if err := l.tryFile(path); !errors.Is(err, errMoved) {
			return err
		}
	}
	return errMoved
}

// errMoved means that a file has lost its name while it was locked.
var errMoved = errors.New("something removes the file of the lock again and again")

func (l *appLock) tryFile(path string) error {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return &fs.PathError{Op: "lock", Path: path, Err: errors.New("is not a regular file")}
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if errors.Is(err, fs.ErrPermission) {
		if readable, readErr := os.Open(path); readErr == nil {
			f, err = readable, nil // it can be locked, but not signed
		}
	}
	if err != nil {
		return err
	}
	switch err := tryLock(f); {
	case errors.Is(err, errLocked):
		defer f.Close()
		return fmt.Errorf("%w: %s (%s)", ErrAppServed, readHolder(f), path)
	case err != nil:
		return errors.Join(fmt.Errorf("%w: %w", errNoLocks, err), f.Close())
	case !isStill(f, path):
		return errors.Join(errMoved, f.Close())
	}
	l.file, l.path, l.logged = f, path, ""
	l.sign()
	return nil
}

// holderPrefix begins what a server writes into the file of its lock.
const holderPrefix = "process "

// sign writes into the file who has it, for whoever is kept out; the lock is what
// counts. A file that somebody else has written keeps its content.
func (l *appLock) sign() {
	if holder := readHolder(l.file); holder != unknownHolder && !strings.HasPrefix(holder, holderPrefix) {
		return
	}
	host, _ := os.Hostname()
	text := fmt.Sprintf("%s%d on %s, since %s", holderPrefix, os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
	l.file.Truncate(0)
	l.file.WriteAt([]byte(text), 0)
	l.signed = true
}

// held reports whether the lock is held, as far as it can be.
func (l *appLock) held() bool {
	return l.without || l.file != nil && isStill(l.file, l.path) && l.choose() == l.path
}

// retake takes the lock again after it was lost, as take does.
func (l *appLock) retake() error {
	if l.file != nil {
		l.file.Close()
		l.file = nil
	}
	return l.take()
}

// release lets the next server have the app. The file stays, empty.
func (l *appLock) release() {
	if l.file == nil {
		return
	}
	if l.signed {
		l.file.Truncate(0)
	}
	l.file.Close()
	l.file = nil
}

// report logs a failure, once as long as it stays the same.
func (l *appLock) report(message string, err error) {
	if text := err.Error(); text != l.logged {
		l.logged = text
		l.logger.Warn(message, "path", l.dir, "err", err)
	}
}

// isStill reports whether the name leads to the open file: it may have been removed
// since, or another may have the name. When that cannot be told it is taken for granted.
func isStill(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	return os.SameFile(opened, named)
}

const unknownHolder = "unknown"

// readHolder reads who has written into a lock.
func readHolder(f *os.File) string {
	const most = 200
	data, err := io.ReadAll(io.NewSectionReader(f, 0, most))
	if err != nil || len(data) == 0 {
		return unknownHolder
	}
	return string(data)
}
