//go:build unix

package rootfs

import (
	"errors"
	"slices"
	"syscall"
)

// nameErrors are the errors that one name causes on a working file system. EPERM and
// EACCES are not included: they can be the directory's.
var nameErrors = []error{
	syscall.ENOTEMPTY, syscall.EEXIST, syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP,
	syscall.ENAMETOOLONG, syscall.EINVAL, syscall.EILSEQ,
	syscall.EBUSY, // a mount point, a file that Windows has open on a share
}

// transientErrors say nothing about the features of a file system.
var transientErrors = []error{
	syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.ESTALE, syscall.ENOENT, syscall.EINTR,
	syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ETIMEDOUT, syscall.ENOTCONN, syscall.EROFS,
}

// isTransient reports whether a retry may succeed. Any other error means that the file
// system lacks the feature. Without hard links it is EPERM on vfat, ENOSYS on FUSE and EOPNOTSUPP
// on SMB, and there may be more.
func isTransient(err error) bool {
	return slices.ContainsFunc(transientErrors, func(transient error) bool { return errors.Is(err, transient) })
}

// IsNameError reports whether an error belongs to one name. All others are the file
// system's: a full disk (ENOSPC, EDQUOT), a broken or read-only one (EIO, EROFS,
// ESTALE), or a process without descriptors or memory (EMFILE, ENFILE, ENOMEM).
func IsNameError(err error) bool {
	return slices.ContainsFunc(nameErrors, func(name error) bool { return errors.Is(err, name) })
}
