package script

import (
	"errors"
	"fmt"
	"syscall"
)

// removals lists the files that were removed from a folder, in order.
type removals struct {
	fd   int // of an inotify instance
	seen []string
}

// watchRemovals starts to watch a folder, until [removals.close].
func watchRemovals(folder string) (*removals, error) {
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create an inotify instance: %w", err)
	}
	if _, err := syscall.InotifyAddWatch(fd, folder, syscall.IN_DELETE|syscall.IN_MOVED_FROM); err != nil {
		return nil, errors.Join(err, syscall.Close(fd))
	}
	return &removals{fd: fd}, nil
}

func (r *removals) close() { syscall.Close(r.fd) }

// names returns the files that were removed so far.
func (r *removals) names() ([]string, error) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := syscall.Read(r.fd, buffer)
		switch {
		case errors.Is(err, syscall.EAGAIN):
			return r.seen, nil
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return nil, fmt.Errorf("read inotify events: %w", err)
		}
		for e := range notifications(buffer[:n]) {
			r.seen = append(r.seen, e.name)
		}
	}
}
