//go:build unix

package realbox

import (
	"os"
	"syscall"
)

// terminate asks a process to exit.
func terminate(p *os.Process) error { return syscall.Kill(p.Pid, syscall.SIGTERM) }

// kill kills a process and its descendants.
func kill(p *os.Process) error { return syscall.Kill(-p.Pid, syscall.SIGKILL) }
