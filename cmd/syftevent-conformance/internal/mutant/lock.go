package mutant

import (
	"context"
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

// lock waits until no other server of the app runs on this machine. The lock is a
// file that names its process, so that one whose process was killed counts for
// nothing. SyftBox passes over its name.
func (s *server) lock(ctx context.Context) (unlock func(), err error) {
	folder := filepath.Dir(s.rpc)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of the app: %w", err)
	}
	name := filepath.Join(folder, "mutant-lock.tmp")
	mine := filepath.Join(folder, fmt.Sprintf("mutant-lock-%d.tmp", os.Getpid()))
	if err := os.WriteFile(mine, []byte(strconv.Itoa(os.Getpid())), 0o644); err != nil {
		return nil, fmt.Errorf("writing the lock: %w", err)
	}
	defer os.Remove(mine)
	for {
		// A link, because it appears with its content.
		err := os.Link(mine, name)
		if err == nil {
			return func() { os.Remove(name) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("taking the lock: %w", err)
		}
		if data, err := os.ReadFile(name); err == nil && !alive(strings.TrimSpace(string(data))) {
			if s.has("stale-lock") {
				return nil, fmt.Errorf("the lock %s is held", name)
			}
			os.Remove(name)
			continue
		}
		select {
		case <-time.After(s.poll):
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the lock %s: %w", name, ctx.Err())
		}
	}
}

// alive reports whether there is a process of a number.
func alive(number string) bool {
	pid, err := strconv.Atoi(number)
	if err != nil || pid == os.Getpid() {
		return false
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer process.Release()
	// On Windows a process that was found is there, and takes no signal.
	return runtime.GOOS == "windows" || !errors.Is(process.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
