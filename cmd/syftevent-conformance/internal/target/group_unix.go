//go:build unix

package target

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup makes the process the head of a group, so that its descendants end
// with it.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// hasSignals is whether a process can be told to end by a signal.
const hasSignals = true

func terminate(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGTERM) }

func kill(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGKILL) }
