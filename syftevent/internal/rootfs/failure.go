package rootfs

import (
	"errors"
	"slices"
)

// IsNameError reports whether an error belongs to one name. All others are the file
// system's: a full disk, a broken or read-only one, or a process without descriptors or
// memory. Where nameErrors is empty every error is the file system's, which is tried again.
func IsNameError(err error) bool { return isAny(err, nameErrors) }

// isTransient reports whether a retry may succeed. Any other error means that the file
// system lacks the feature. Without hard links it is EPERM on vfat, ENOSYS on FUSE and
// EOPNOTSUPP on SMB, and there may be more.
func isTransient(err error) bool { return isAny(err, transientErrors) }

func isAny(err error, targets []error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}
