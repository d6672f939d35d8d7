//go:build unix

package realbox

import (
	"os"
	"syscall"
)

// terminate asks a process to end.
func terminate(p *os.Process) error { return syscall.Kill(p.Pid, syscall.SIGTERM) }

// kill ends a process and its descendants at once.
func kill(p *os.Process) error { return syscall.Kill(-p.Pid, syscall.SIGKILL) }
