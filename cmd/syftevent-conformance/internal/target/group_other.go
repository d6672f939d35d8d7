//go:build !unix

package target

import (
	"os"
	"os/exec"
)

// ownGroup does nothing: there are no process groups.
func ownGroup(*exec.Cmd) {}

// hasSignals reports whether the system has SIGTERM, SIGSTOP and SIGCONT.
const hasSignals = false

// terminate does nothing: the end of standard input stops the server.
func terminate(*os.Process) {}

// suspend and resume are never called (see hasSignals).
func suspend(*os.Process) {}
func resume(*os.Process)  {}

func kill(p *os.Process) { p.Kill() }
