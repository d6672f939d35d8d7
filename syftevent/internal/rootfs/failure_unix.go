//go:build unix

package rootfs

import "syscall"

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
