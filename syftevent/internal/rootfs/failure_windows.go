package rootfs

import "syscall"

// nameErrors are the errors that one name causes on a working file system.
// ERROR_ACCESS_DENIED and ERROR_SHARING_VIOLATION are not included: they can be the
// directory's.
var nameErrors = []error{
	syscall.ERROR_DIR_NOT_EMPTY, syscall.ERROR_FILE_EXISTS, syscall.ERROR_ALREADY_EXISTS,
	syscall.Errno(123), // ERROR_INVALID_NAME
	syscall.Errno(161), // ERROR_BAD_PATHNAME
	syscall.Errno(206), // ERROR_FILENAME_EXCED_RANGE
	syscall.Errno(267), // ERROR_DIRECTORY
	syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP, syscall.ENAMETOOLONG,
}

// transientErrors say nothing about the features of a file system.
var transientErrors = []error{
	syscall.ERROR_FILE_NOT_FOUND, syscall.ERROR_PATH_NOT_FOUND, syscall.ERROR_NETNAME_DELETED,
	syscall.Errno(4),   // ERROR_TOO_MANY_OPEN_FILES
	syscall.Errno(8),   // ERROR_NOT_ENOUGH_MEMORY
	syscall.Errno(32),  // ERROR_SHARING_VIOLATION
	syscall.Errno(112), // ERROR_DISK_FULL
}
