//go:build !unix

package target

import (
	"os"
	"os/exec"
)

// ownGroup does nothing: there are no process groups.
func ownGroup(*exec.Cmd) {}

// hasSignals reports whether the system has SIGTERM.
const hasSignals = false

// terminate does nothing: the end of standard input stops the server.
func terminate(*os.Process) {}

func kill(p *os.Process) { p.Kill() }
