//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// A signal cancels the call and removes its request and the file of -o.
func TestCallLeavesNothingBehindAfterSignal(t *testing.T) {
	n := newNotes(t)
	for _, test := range []struct {
		signal syscall.Signal
		status int
	}{{syscall.SIGINT, exitInterrupted}, {syscall.SIGTERM, 143}, {syscall.SIGHUP, 129}} {
		dir := t.TempDir()
		cmd := exec.Command("syftevent", "call", "-o", filepath.Join(dir, "out"), "-timeout", "5m", "bob@example.com/notes/block")
		cmd.Env = append(os.Environ(), "SYFTBOX_CLIENT_CONFIG_PATH="+n.alice.ConfigPath())
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if sender := <-n.began; sender != "alice@example.com" {
			t.Errorf("request from %q", sender)
		}
		cmd.Process.Signal(test.signal)
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != test.status {
			t.Errorf("%v: %v, want exit status %d", test.signal, cmd.ProcessState, test.status)
		}
		if left := filesBelow(t, n.alice.Datasites(), ".request", ".tmp"); len(left) > 0 {
			t.Errorf("%v: left behind: %q", test.signal, left)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%v: left behind: %v, %v", test.signal, left, err)
		}
	}
}
