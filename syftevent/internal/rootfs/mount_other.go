//go:build !linux

package rootfs

import "os"

// MountType returns the type of the file system that has f, or "" if that is not known.
func MountType(f *os.File) string { return "" }
