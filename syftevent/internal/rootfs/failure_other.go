//go:build !unix && !windows

package rootfs

// IsNameError takes every error for the file system's, which is tried again.
func IsNameError(error) bool { return false }

// mayPass takes every error for what the file system does not have.
func mayPass(error) bool { return false }
