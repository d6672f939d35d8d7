//go:build !unix

package realbox

import (
	"os"
	"os/exec"
)

// spawn starts a process. There are no process groups.
func spawn(cmd *exec.Cmd) error { return cmd.Start() }

// terminate kills a process, for lack of signals.
func terminate(p *os.Process) error { return p.Kill() }

// kill kills a process.
func kill(p *os.Process) error { return p.Kill() }
