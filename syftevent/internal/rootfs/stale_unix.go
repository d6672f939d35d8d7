//go:build unix

package rootfs

import (
	"errors"
	"syscall"
)

// IsStale reports whether an error of a network file system means that an open file or
// directory no longer exists on the file server.
func IsStale(err error) bool { return errors.Is(err, syscall.ESTALE) }

// cannotSync reports whether an error means that the file system cannot sync a directory.
func cannotSync(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported)
}
