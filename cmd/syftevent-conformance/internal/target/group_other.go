//go:build !unix

package target

import (
	"os"
	"os/exec"
)

// ownGroup does nothing: there are no groups of processes to be ended.
func ownGroup(*exec.Cmd) {}

// hasSignals is whether a process can be told to end by a signal.
const hasSignals = false

// terminate does nothing: the end of standard input is what tells the server.
func terminate(*os.Process) {}

func kill(p *os.Process) { p.Kill() }
