//go:build unix

package rootfs

import (
	"errors"
	"syscall"
)

// IsStale reports whether what was opened is no more what its name leads to, as
// network file systems say it.
func IsStale(err error) bool { return errors.Is(err, syscall.ESTALE) }

// cannotSync reports whether a file system has no way of writing a directory to
// the disk.
func cannotSync(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported)
}
