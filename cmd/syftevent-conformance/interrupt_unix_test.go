//go:build unix

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Ctrl-C, a closed terminal and a closed output pipe end a run with a summary, and leave no
// process behind.
func TestRunStopsOnSignalsAndClosedOutput(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	send := func(signal os.Signal) func(*exec.Cmd, *os.File) {
		return func(cmd *exec.Cmd, _ *os.File) { cmd.Process.Signal(signal) }
	}
	for name, test := range map[string]struct {
		end    func(*exec.Cmd, *os.File)
		status int
	}{
		"Ctrl-C":      {send(os.Interrupt), exitInterrupted},
		"SIGTERM":     {send(syscall.SIGTERM), 143},
		"hang-up":     {send(syscall.SIGHUP), 129},
		"broken pipe": {func(_ *exec.Cmd, output *os.File) { output.Close() }, exitCouldNotTest},
	} {
		dir := t.TempDir()
		output, stdout, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(self, "run")
		cmd.Env = append(os.Environ(), "TMPDIR="+dir)
		cmd.Stdout = stdout
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stdout.Close()
		lines := bufio.NewScanner(output)
		for lines.Scan() && !strings.Contains(lines.Text(), "pass") {
		}
		test.end(cmd, output)
		var rest strings.Builder
		for lines.Scan() {
			fmt.Fprintln(&rest, lines.Text())
		}
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != test.status {
			t.Errorf("%s: %v, want exit status %d", name, cmd.ProcessState, test.status)
		}
		if name != "broken pipe" {
			contains(t, name, rest.String(), " passed, 0 failed\nnot run: ", "\ninterrupted: the verdict is about the scenarios that ran\nverdict: partial ")
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind: %v, %v", name, left, err)
		}
		output.Close()
	}
}
