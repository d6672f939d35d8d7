//go:build !unix

package rootfs

// openNonblock is nothing where files are never FIFOs.
const openNonblock = 0
