package syftevent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"
)

// ErrAppServed means that another server serves the app already.
var ErrAppServed = errors.New("syftevent: the app is served by another process")

// lockName is the file that a server keeps locked, in the folder of its app.
// SyftBox carries no file of the name *.tmp to other machines.
const lockName = ".syftevent-lock.tmp"

const (
	// lockWait is how long a server waits for the one before it to drain.
	lockWait = 10 * time.Second
	// lockPause is how often it looks.
	lockPause = 50 * time.Millisecond
)

// errLocked is what tryLock returns for a file that another has locked.
var errLocked = errors.New("locked")

// lockApp locks the file of an app, which unlocks when it is closed or the
// process ends. Where locks do not work it says so in the log and returns nil.
func lockApp(ctx context.Context, path string, logger *slog.Logger) (*os.File, error) {
	deadline := time.Now().Add(lockWait)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, fmt.Errorf("syftevent: opening the lock of the app: %w", err)
		}
		err = tryLock(f)
		switch {
		case err == nil && isStill(f, path):
			// Only for whoever is kept out; the lock is what counts.
			host, _ := os.Hostname()
			f.Truncate(0)
			fmt.Fprintf(f, "process %d on %s, since %s", os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
			return f, nil
		case err != nil && !errors.Is(err, errLocked):
			f.Close()
			logger.Warn("syftevent: files cannot be locked here, so nothing keeps a second server from this app", "path", path, "err", err)
			return nil, nil
		}
		holder := readHolder(f)
		f.Close()
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%w: %s (%s)", ErrAppServed, holder, path)
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// isStill reports whether the name leads to the open file: it may have been
// removed between the opening and the locking.
func isStill(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(opened, named)
}

// readHolder reads who wrote into a lock.
func readHolder(f *os.File) string {
	const most = 200
	data, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil || len(data) == 0 {
		return "unknown"
	}
	return string(data)
}
