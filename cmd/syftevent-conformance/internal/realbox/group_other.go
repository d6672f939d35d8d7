//go:build !unix

package realbox

import (
	"os"
	"os/exec"
)

// spawn starts a process. There are no process groups.
func spawn(cmd *exec.Cmd) error { return cmd.Start() }

// terminate ends a process: there is no way to ask.
func terminate(p *os.Process) error { return p.Kill() }

// kill ends a process at once.
func kill(p *os.Process) error { return p.Kill() }
