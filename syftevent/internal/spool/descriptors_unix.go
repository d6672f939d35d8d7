//go:build unix

package spool

import (
	"errors"
	"syscall"
)

// descriptorLimit is how many descriptors this process may have open.
func descriptorLimit() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return descriptorsShare * maxDirHandles
	}
	return uint64(limit.Cur)
}

// isOutOfDescriptors reports whether the process, or the system, has no descriptor left.
func isOutOfDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
