package terminal

import (
	"os"
	"syscall"
)

// virtualTerminal is the mode of a console that obeys escape sequences.
const virtualTerminal = 0x4

// isTerminal reports whether a file is a console that obeys escape sequences.
func isTerminal(f *os.File) bool {
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	var mode uint32
	var failed error
	err = conn.Control(func(handle uintptr) { failed = syscall.GetConsoleMode(syscall.Handle(handle), &mode) })
	return err == nil && failed == nil && mode&virtualTerminal != 0
}

func width(*os.File) int { return 0 }
