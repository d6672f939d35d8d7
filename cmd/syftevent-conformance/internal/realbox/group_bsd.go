//go:build unix && !linux

package realbox

import (
	"os/exec"
	"syscall"
)

// spawn starts a process as the head of a process group.
func spawn(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd.Start()
}
