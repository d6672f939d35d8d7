//go:build !unix

package rootfs

// IsStale returns false: only Unix has this error.
func IsStale(error) bool { return false }

// cannotSync returns true: this system cannot sync directories.
func cannotSync(error) bool { return true }
