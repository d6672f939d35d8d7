//go:build unix

package target

import (
	"os"
	"os/exec"
	"syscall"
)

func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// hasSignals reports whether the system has SIGTERM, SIGSTOP and SIGCONT.
const hasSignals = true

func terminate(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGTERM) }

func suspend(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGSTOP) }

func resume(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGCONT) }

func kill(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGKILL) }
