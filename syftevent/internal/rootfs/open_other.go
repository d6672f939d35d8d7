//go:build !unix

package rootfs

// openNonblock is 0: this system has no FIFOs in directories.
const openNonblock = 0
