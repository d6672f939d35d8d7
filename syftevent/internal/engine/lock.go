package engine

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

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// ErrAppServed is returned when another server serves the app.
var ErrAppServed = errors.New("syftevent: app is served by another process")

// lockNames are the lock files in the app's directory. A server locks the first, unless
// something other than a file has that name. SyftBox syncs neither, and programs that
// remove temporary files leave the first alone.
var lockNames = [2]string{protocol.KeepName, ".syftevent-lock.tmp"}

const (
	// lockWait is how long a server waits for its predecessor to drain.
	lockWait = 10 * time.Second
	// lockPause is the time between two attempts.
	lockPause = 50 * time.Millisecond
	// lockCheck is the time between two checks of a running server.
	lockCheck = time.Second
)

// errLocked is returned by tryLock for a file that another process has locked.
var errLocked = errors.New("locked")

// An appLock keeps other servers from serving an app. It is held while its file keeps its
// name; otherwise another server could lock a new file.
type appLock struct {
	dir    string // the app's folder
	shared bool   // with other workers
	logger *slog.Logger

	file        *os.File // nil while it is not held
	path        string   // of the file
	signed      bool     // the file names this process
	unsupported bool     // the file system has no locks
	logged      string   // the last failure that was logged
}

// acquire takes the lock, and waits up to lockWait for it. If locks do not work here, it
// logs that and goes on without one.
func (l *appLock) acquire(ctx context.Context) error {
	if l.unsupported {
		return nil
	}
	deadline := time.Now().Add(lockWait)
	for {
		err := l.tryAcquire()
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

// tryAcquire takes the lock without waiting. It returns ErrAppServed if another server
// has it. It logs any other error that it returns.
func (l *appLock) tryAcquire() error {
	path := l.choose()
	err := l.lockPath(path)
	switch {
	case err == nil && path == l.first():
	case err == nil:
		l.report("syftevent: using the alternative lock file", fmt.Errorf("%s is not a regular file, locked %s", l.first(), path))
	case errors.Is(err, ErrAppServed), errors.Is(err, fs.ErrNotExist): // the directory is gone
	default:
		l.unsupported = errors.Is(err, errNoLocks)
		l.report("syftevent: locking app failed, a second server could serve it", err)
	}
	return err
}

func (l *appLock) first() string { return filepath.Join(l.dir, lockNames[0]) }

// choose returns the path to lock: the first, unless that is not a regular file. A server
// that holds the other one checks this regularly, so that all servers choose the same.
func (l *appLock) choose() string {
	if info, err := os.Lstat(l.first()); err == nil && !info.Mode().IsRegular() {
		return filepath.Join(l.dir, lockNames[1])
	}
	return l.first()
}

var errNoLocks = errors.New("file system does not support locks")

// lockPath locks a file. It is unlocked when it is closed or the process ends.
func (l *appLock) lockPath(path string) error {
	const attempts = 3
	for range attempts {
		if err := l.tryPath(path); !errors.Is(err, errMoved) {
			return err
		}
	}
	return errMoved
}

// errMoved means that a file lost its name while it was being locked.
var errMoved = errors.New("lock file removed repeatedly")

func (l *appLock) tryPath(path string) error {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return &fs.PathError{Op: "lock", Path: path, Err: errors.New("not a regular file")}
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if errors.Is(err, fs.ErrPermission) {
		if readable, readErr := os.Open(path); readErr == nil {
			f, err = readable, nil // it can be locked but not signed
		}
	}
	if err != nil {
		return err
	}
	switch err := tryLock(f, l.shared); {
	case errors.Is(err, errLocked):
		defer f.Close()
		return fmt.Errorf("%w: %s (%s)", ErrAppServed, readHolder(f), path)
	case err != nil:
		return errors.Join(fmt.Errorf("%w: %w", errNoLocks, err), f.Close())
	case !isSameFile(f, path):
		return errors.Join(errMoved, f.Close())
	}
	l.file, l.path, l.logged = f, path, ""
	l.sign()
	return nil
}

// holderPrefix begins what a server writes into its lock file.
const holderPrefix = "process "

// sign names this process in the file, for the error of servers that find it locked. A
// file with any other content is left as it is.
func (l *appLock) sign() {
	if l.shared {
		return // others hold it as well, and a heartbeat names each
	}
	if holder := readHolder(l.file); holder != unknownHolder && !strings.HasPrefix(holder, holderPrefix) {
		return
	}
	host, _ := os.Hostname()
	text := fmt.Sprintf("%s%d on %s, since %s", holderPrefix, os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
	l.file.Truncate(0)
	l.file.WriteAt([]byte(text), 0)
	l.signed = true
}

// held reports whether the lock is still held. It is true where locks do not work.
func (l *appLock) held() bool {
	return l.unsupported || l.file != nil && isSameFile(l.file, l.path) && l.choose() == l.path
}

// reacquire is tryAcquire after the lock was lost.
func (l *appLock) reacquire() error {
	if l.file != nil {
		l.file.Close()
		l.file = nil
	}
	return l.tryAcquire()
}

// release unlocks the app. It leaves an empty file.
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

// report logs a failure, but not the same one twice in a row.
func (l *appLock) report(message string, err error) {
	if text := err.Error(); text != l.logged {
		l.logged = text
		l.logger.Warn(message, "path", l.dir, "err", err)
	}
}

// isSameFile reports whether path still names the open file. It is true if path cannot be
// examined.
func isSameFile(f *os.File, path string) bool {
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

// readHolder returns what the holder of a lock wrote into it.
func readHolder(f *os.File) string {
	const most = 200
	data, err := io.ReadAll(io.NewSectionReader(f, 0, most))
	if err != nil || len(data) == 0 {
		return unknownHolder
	}
	return string(data)
}
