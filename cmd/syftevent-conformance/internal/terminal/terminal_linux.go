package terminal

import (
	"os"
	"syscall"
	"unsafe"
)

// isTerminal asks for the settings of a terminal, which only a terminal has.
func isTerminal(f *os.File) bool {
	var settings syscall.Termios
	return control(f, syscall.TCGETS, unsafe.Pointer(&settings))
}

// width returns the number of columns, 0 if it is unknown.
func width(f *os.File) int {
	var size struct{ rows, columns, x, y uint16 }
	if !control(f, syscall.TIOCGWINSZ, unsafe.Pointer(&size)) {
		return 0
	}
	return int(size.columns)
}

// control calls ioctl. It does not use File.Fd, which makes the file blocking.
func control(f *os.File, request uintptr, result unsafe.Pointer) bool {
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	var failed syscall.Errno
	err = conn.Control(func(fd uintptr) {
		_, _, failed = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(result))
	})
	return err == nil && failed == 0
}
