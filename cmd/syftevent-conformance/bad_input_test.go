package main

import (
	"os"
	"path/filepath"
	"testing"
)

// againstBad runs scenarios one at a time against a server of bad_targets_test.go. It
// also returns the path of the file that is the server's argument.
func againstBad(t *testing.T, target string, args ...string) (status int, stdout, stderr, file string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "file")
	args = append(append([]string{"run", "-parallel", "1"}, args...), "--", self, targetPrefix+target, file)
	status, stdout, stderr = judge(t, args...)
	return status, stdout, stderr, file
}

// The next scenario is unaffected.
func TestBadStartFailsOneScenario(t *testing.T) {
	const first, next = "detect-waiting", "publish-beside"
	tests := []struct {
		target string
		flags  []string
		want   []string
	}{
		{"second-garbage", nil, []string{"it exited first (exit status 0)", "it printed the line \"\uFFFD\\x00{]\", and 2 bytes without a newline"}},
		{"second-huge-line", nil, []string{"it exited first", "50000000 bytes without a newline"}},
		{"second-exit", nil, []string{"it exited first (exit status 7)", "the last words"}},
		{"second-exit-ready", nil, []string{"the server has ended (exit status 3)"}},
		{"second-wrong-ready", nil, []string{"malformed ready line", "version"}},
		{"second-lacks", nil, []string{`ready line lacks "poll_ms"`}},
		// These use up the timeout.
		{"second-silent", []string{"-ready-timeout=3s"}, []string{"within 3s; it printed nothing (does it flush its output?)"}},
		{"second-closed", []string{"-ready-timeout=3s"}, []string{"within 3s; it printed nothing"}},
	}
	for _, test := range tests {
		t.Run(test.target, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr, _ := againstBad(t, test.target, append(test.flags, first, next)...)
			if status != exitUnexpected {
				t.Errorf("exit %d, want %d\n%s%s", status, exitUnexpected, stdout, stderr)
			}
			contains(t, "output", stdout, append(test.want, "1/2  FAIL            "+first, "2/2  pass            "+next, "1 passed, 1 failed\n")...)
		})
	}
}

// Endless output would fill the disk.
func TestStopsServerWithEndlessOutput(t *testing.T) {
	status, stdout, stderr, _ := againstBad(t, "second-never-closes", "fail-status", "publish-beside")
	if status != exitUnexpected {
		t.Errorf("exit %d, want %d\n%s%s", status, exitUnexpected, stdout, stderr)
	}
	contains(t, "output", stdout, "no ready line in the first 256 MiB of standard output", `the last one "this line`, "1 passed, 1 failed\n")
}

func TestKillsServerThatIgnoresStop(t *testing.T) {
	status, stdout, stderr, _ := againstBad(t, "second-deaf", "-timescale=0.1", "proc-drain", "publish-beside")
	if status != exitUnexpected {
		t.Errorf("exit %d, want %d\n%s%s", status, exitUnexpected, stdout, stderr)
	}
	contains(t, "output", stdout, "and was killed", "1/2  FAIL            proc-drain", "2/2  pass            publish-beside")
}

func TestToleratesUnusualOutput(t *testing.T) {
	for target, note := range map[string]string{
		"garbage-first": "lines ignored before the ready line: 2\n",
		"huge-first":    "lines ignored before the ready line: 1\n",
		"million-lines": "lines ignored before the ready line: 1000000\n",
		"closes-after":  "",
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr, _ := againstBad(t, target, "fail-status", "publish-beside")
			if status != exitOK {
				t.Errorf("exit %d\n%s%s", status, stdout, stderr)
			}
			contains(t, "output", stdout, note, "2 passed, 0 failed\n")
		})
	}
}
