//go:build unix

package main

import (
	"bufio"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestServeStopsOnSignals(t *testing.T) {
	n := newNetwork(t)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd := exec.Command("syftevent", "serve", "-config", n.bob.ConfigPath(), "-app", "web", "-to", "http://127.0.0.1:9")
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		cmd.Process.Signal(signal)
		if err := cmd.Wait(); err != nil || !strings.HasPrefix(line, "serving http://127.0.0.1:9 as syft://bob@example.com/") {
			t.Errorf("%v: %v, ready line %q", signal, err, line)
		}
	}
}
