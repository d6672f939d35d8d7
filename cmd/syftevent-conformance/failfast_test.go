package main

import (
	"strings"
	"testing"
)

func TestFailFast(t *testing.T) {
	args := []string{"-parallel=1", "fail-status", "publish-alone", "publish-beside", "publish-tidy"}
	status, stdout, stderr := against(t, "fail-200", append([]string{"-failfast"}, args...)...)
	if status != exitUnexpected {
		t.Errorf("exit %d, want %d\n%s%s", status, exitUnexpected, stdout, stderr)
	}
	contains(t, "output", stdout,
		"1/4  FAIL            fail-status",
		"\n0 passed, 1 failed\nnot run: 3\n",
		"\nstopped after the first failure (-failfast): the verdict is about the scenarios that ran\nverdict: non-conformant\n")
	if strings.Contains(stdout, "2/4") {
		t.Errorf("the run went on after the first failure:\n%s", stdout)
	}
}

// A known failure and an unmet SHOULD do not end the run.
func TestFailFastGoesOnAfterExpectedFailures(t *testing.T) {
	path := knownFile(t, "fail-status  # bug\n")
	status, stdout, stderr := against(t, "fail-200", "-failfast", "-parallel=1", "-known", path, "fail-status", "fail-text", "publish-beside")
	if status != exitOK {
		t.Errorf("exit %d\n%s%s", status, stdout, stderr)
	}
	contains(t, "output", stdout, "3/4  pass            publish-beside", "1 passed, 0 failed\nknown failure: 1\nwarn: 2\n")
}

func TestQuietRun(t *testing.T) {
	status, stdout, _ := judge(t, "run", "-q", "publish-beside", "fail-status")
	if status != exitOK || !strings.HasPrefix(stdout, "2 passed, 0 failed; verdict: partial (2 of ") || strings.Count(stdout, "\n") != 1 {
		t.Errorf("exit %d\n%s", status, stdout)
	}
	status, stdout, _ = against(t, "fail-200", "-q", "publish-beside", "fail-status")
	if status != exitUnexpected || strings.Contains(stdout, "pass   ") || !strings.HasSuffix(stdout, "\n1 passed, 1 failed; verdict: non-conformant\n") {
		t.Errorf("exit %d\n%s", status, stdout)
	}
	contains(t, "output", stdout, "/2  FAIL            fail-status", "actual:    status 200")
}
