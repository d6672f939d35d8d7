//go:build unix

package rootfs

import (
	"errors"
	"math"
	"syscall"
)

// DescriptorLimit returns the number of descriptors that this process may have open.
func DescriptorLimit() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxUint64
	}
	return uint64(limit.Cur)
}

// IsOutOfDescriptors reports whether the process, or the system, has no descriptor left.
func IsOutOfDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
