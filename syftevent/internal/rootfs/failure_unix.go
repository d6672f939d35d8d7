//go:build unix

package rootfs

import (
	"errors"
	"slices"
	"syscall"
)

// nameErrors are the errors that one name causes while the file system works. Not
// among them is EPERM or EACCES, which can be the directory's.
var nameErrors = []error{
	syscall.ENOTEMPTY, syscall.EEXIST, syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP,
	syscall.ENAMETOOLONG, syscall.EINVAL, syscall.EILSEQ,
	syscall.EBUSY, // a mount point, a file that Windows has open on a share
}

// passingErrors are those that tell nothing of what a file system can do.
var passingErrors = []error{
	syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.ESTALE, syscall.ENOENT, syscall.EINTR,
	syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ETIMEDOUT, syscall.ENOTCONN, syscall.EROFS,
}

// mayPass reports whether what has failed may succeed later. All other errors are taken
// for what the file system does not have: for hard links they are EPERM on vfat, ENOSYS
// on FUSE, EOPNOTSUPP on SMB, and there may be more.
func mayPass(err error) bool {
	return slices.ContainsFunc(passingErrors, func(passing error) bool { return errors.Is(err, passing) })
}

// IsNameError reports whether an error belongs to one name. All others are the file
// system's: a full disk (ENOSPC, EDQUOT), a broken or read-only one (EIO, EROFS,
// ESTALE), or a process without descriptors or memory (EMFILE, ENFILE, ENOMEM).
func IsNameError(err error) bool {
	return slices.ContainsFunc(nameErrors, func(name error) bool { return errors.Is(err, name) })
}
