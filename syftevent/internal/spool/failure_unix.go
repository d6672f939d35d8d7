//go:build unix

package spool

import "syscall"

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
