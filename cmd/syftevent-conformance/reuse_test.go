package main

import (
	"os"
	"strings"
	"testing"
)

func TestReusePasses(t *testing.T) {
	// publish-beside needs its own server.
	status, stdout, stderr := judge(t, "run", "-reuse", "envelope-*", "fail-*", "feature-*", "route-*", "layout-*", "publish-beside")
	if status != exitOK || strings.Contains(stdout, "note: ") {
		t.Fatalf("exit %d\n%s%s", status, stdout, stderr)
	}
	contains(t, "output", stdout, " 0 failed\n")
}

// starts counts the lines of a file.
func starts(t *testing.T, file string) int {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(data), "\n")
}

func TestReuseStartsOneServer(t *testing.T) {
	ids := []string{"detect-websocket", "envelope-exact", "proc-senders", "route-items"}
	for flag, want := range map[string]int{"-reuse": 2, "-reuse=false": 6} { // with the probe's
		status, stdout, stderr, file := againstBad(t, "counting", append([]string{flag}, ids...)...)
		if status != exitOK {
			t.Errorf("exit %d\n%s%s", status, stdout, stderr)
		}
		if got := starts(t, file); got != want {
			t.Errorf("%s: %d starts, want %d", flag, got, want)
		}
	}
}

func TestReuseReplacesDeadServer(t *testing.T) {
	status, stdout, stderr, file := againstBad(t, "counting", "-reuse", "envelope-exact", "fail-status", "proc-senders", "publish-beside", "route-items")
	if status != exitUnexpected {
		t.Errorf("exit %d, want %d\n%s%s", status, exitUnexpected, stdout, stderr)
	}
	contains(t, "output", stdout, "2/5  FAIL            fail-status", "the server has ended (exit status 9)", "dying at /fail", "4 passed, 1 failed\n")
	if got := starts(t, file); got != 4 { // the probe's, two that were shared, and publish-beside's
		t.Errorf("%d starts\n%s", got, stdout)
	}
}

func TestReuseReportsServerThatDoesNotStop(t *testing.T) {
	status, stdout, stderr := against(t, "deaf", "-reuse", "-parallel=1", "-timescale=0.1", "envelope-exact", "route-items")
	if status != exitOK {
		t.Errorf("exit %d\n%s%s", status, stdout, stderr)
	}
	contains(t, "output", stdout, "2 passed, 0 failed\n", "note: stopping a shared server: the server still ran ", "and was killed\n")
}

func TestReuseRemovesFiles(t *testing.T) {
	dir := t.TempDir()
	judge(t, "run", "-reuse", "-dir", dir, "fail-*")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
