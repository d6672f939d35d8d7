package mutant

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lock waits until no other server of the app runs on this machine. The lock is a file
// that names its process, so that a killed server does not hold it. SyftBox ignores its
// name.
func (s *server) lock(ctx context.Context) (unlock func(), err error) {
	dir := filepath.Dir(s.rpc)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create app directory: %w", err)
	}
	name := filepath.Join(dir, "mutant-lock.tmp")
	if s.has("text-lock") {
		name = filepath.Join(dir, fmt.Sprintf("mutant-lock-%x.tmp", sha256.Sum256([]byte(s.dataDir))))
	}
	own := filepath.Join(dir, fmt.Sprintf("mutant-lock-%d.tmp", os.Getpid()))
	if err := os.WriteFile(own, []byte(strconv.Itoa(os.Getpid())), 0o644); err != nil {
		return nil, fmt.Errorf("write lock file: %w", err)
	}
	defer os.Remove(own)
	for {
		// A link appears together with its content.
		err := os.Link(own, name)
		if err == nil {
			return func() { os.Remove(name) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("acquire lock: %w", err)
		}
		if data, err := os.ReadFile(name); err == nil && !isRunning(strings.TrimSpace(string(data))) {
			if s.has("stale-lock") {
				return nil, fmt.Errorf("acquire lock %s: already held", name)
			}
			os.Remove(name)
			continue
		}
		if s.has("never-takes-over") {
			<-ctx.Done()
		}
		select {
		case <-time.After(s.poll):
		case <-ctx.Done():
			return nil, fmt.Errorf("acquire lock %s: %w", name, ctx.Err())
		}
	}
}

// isRunning reports whether another process with this id runs.
func isRunning(id string) bool {
	pid, err := strconv.Atoi(id)
	if err != nil || pid == os.Getpid() {
		return false
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer process.Release()
	// On Windows FindProcess fails if the process does not run, and signals do not exist.
	return runtime.GOOS == "windows" || !errors.Is(process.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
