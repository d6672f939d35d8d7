//go:build unix

package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A descendant of the server that keeps its output open and ignores signals is killed
// with the server, and the suite does not wait for it.
func TestDescendantsAreEnded(t *testing.T) {
	status, stdout, stderr, file := againstBad(t, "clinging", "proc-once", "publish-beside")
	if status != exitOK {
		t.Errorf("exit %d\n%s%s", status, stdout, stderr)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pids := strings.Fields(string(data))
	if len(pids) != 6 { // the probe's, three of proc-once, and one each of proc-changed and publish-beside
		t.Errorf("%d starts", len(pids))
	}
	for _, text := range pids {
		pid, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(20 * time.Second); isRunning(pid); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("process %d runs on", pid)
			}
		}
	}
}

// isRunning reports whether a process exists and is not a zombie.
func isRunning(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || !strings.Contains(string(status), ") Z ")
}
