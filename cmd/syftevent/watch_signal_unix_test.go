//go:build unix

package main

import (
	"bufio"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestWatchStopsOnSignals(t *testing.T) {
	s := newSite(t)
	s.write(t, "alice@example.com/notes", schemaName, "{}")
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd := exec.Command("syftevent", "watch", "-config", s.config, "notes")
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, _ := bufio.NewReader(stderr).ReadString('\n')
		cmd.Process.Signal(signal)
		if err := cmd.Wait(); err != nil || !strings.HasPrefix(line, "watching syft://alice@example.com/") {
			t.Errorf("%v: %v, %q", signal, err, line)
		}
	}
}
