//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// A closed terminal or a closed output pipe ends a run as Ctrl-C does, and leaves no
// process behind.
func TestRunStopsOnHangupAndClosedOutput(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]func(*exec.Cmd, *os.File){
		"hang-up":     func(cmd *exec.Cmd, _ *os.File) { cmd.Process.Signal(syscall.SIGHUP) },
		"broken pipe": func(_ *exec.Cmd, output *os.File) { output.Close() },
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
		for lines := bufio.NewScanner(output); lines.Scan() && !strings.Contains(lines.Text(), "pass"); {
		}
		end(cmd, output)
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != exitCouldNotTest {
			t.Errorf("%s: %v, want exit status %d", name, cmd.ProcessState, exitCouldNotTest)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind: %v, %v", name, left, err)
		}
		output.Close()
	}
}
