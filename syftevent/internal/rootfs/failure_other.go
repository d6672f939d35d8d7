//go:build !unix && !windows

package rootfs

// IsNameError reports false: every error is the file system's.
func IsNameError(error) bool { return false }

// isTransient reports false: every error means that the file system lacks the feature.
func isTransient(error) bool { return false }
