//go:build !unix

package rootfs

// IsStale is for network file systems of Unix.
func IsStale(error) bool { return false }

// cannotSync is true where directories cannot be opened as files.
func cannotSync(error) bool { return true }
