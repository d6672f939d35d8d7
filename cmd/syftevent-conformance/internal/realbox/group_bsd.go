//go:build unix && !linux

package realbox

import (
	"os/exec"
	"syscall"
)

// spawn starts a process in a process group of its own.
func spawn(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd.Start()
}
