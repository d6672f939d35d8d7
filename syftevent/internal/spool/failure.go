package spool

import (
	"errors"
	"slices"
)

// isNameError reports whether an error belongs to one name. All others are the file
// system's: a full disk, a broken or read-only one, or a process without descriptors or
// memory. Where nameErrors is empty every error is the file system's, which is tried again.
func isNameError(err error) bool { return isAny(err, nameErrors) }

// mayPass reports whether what has failed may succeed later. All other errors are taken
// for what the file system does not have: for hard links they are EPERM on vfat, ENOSYS
// on FUSE, EOPNOTSUPP on SMB, and there may be more.
func mayPass(err error) bool { return isAny(err, passingErrors) }

func isAny(err error, targets []error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}
