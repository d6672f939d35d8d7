//go:build !unix

package target

import (
	"os"
	"os/exec"
)

// ownGroup does nothing: there are no groups of processes to be ended.
func ownGroup(*exec.Cmd) {}

// terminate does nothing: the end of standard input is what tells the server.
func terminate(*os.Process) {}

func kill(p *os.Process) { p.Kill() }
