//go:build unix

package rootfs

import "syscall"

// openNonblock lets a FIFO be opened without waiting for its other end.
const openNonblock = syscall.O_NONBLOCK
