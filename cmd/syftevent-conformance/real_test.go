package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestRealUsageErrors(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "real needs -syftbox DIR"},
		{[]string{"-bench", "-on", "fakebox"}, "real needs -syftbox DIR"},
		{[]string{"argument"}, `real takes no arguments, got ["argument"]`},
		{[]string{"-on", "moon"}, `unknown network "moon"`},
		{[]string{"-on", "fakebox", "-run", "("}, "-run (: error parsing regexp"},
		{[]string{"-on", "fakebox", "-run", "no-such"}, "-run no-such: no experiment matches"},
		{[]string{"-on", "fakebox", "-rounds", "0"}, "-rounds 0: must be at least 1"},
		{[]string{"-on", "fakebox", "-attempts", "0"}, "-attempts 0: must be at least 1"},
		{[]string{"-on", "fakebox", "-parallel", "0"}, "-parallel 0: must be at least 1"},
		{[]string{"-on", "fakebox", "-dir", "/no/such/folder"}, "-dir /no/such/folder: no such folder"},
		{[]string{"-on", "fakebox", "-python", "python3", "-targets", "/no/such"}, "-python needs -targets"},
	} {
		status, _, stderr := judge(t, append([]string{"real"}, test.args...)...)
		if status != exitUsage {
			t.Errorf("%v: exit %d", test.args, status)
		}
		contains(t, strings.Join(test.args, " "), stderr, test.want)
	}
	status, _, stderr := judge(t, "real", "-syftbox", t.TempDir())
	if status != exitCouldNotTest {
		t.Errorf("exit %d without a checkout", status)
	}
	contains(t, "the error", stderr, "is not a checkout of OpenMined/syftbox")
}

func TestRealOnFakeboxAlone(t *testing.T) {
	dir := t.TempDir()
	status, stdout, stderr := judge(t, "real", "-on", "fakebox", "-run", "^gateway-refuses$", "-dir", dir)
	if status != exitOK {
		t.Fatalf("exit %d\n%s%s", status, stdout, stderr)
	}
	contains(t, "the table", stdout, "| gateway-refuses | 403 ", "| 403, 202, 202, 404 | ok |", "LEFT OUT: experiments with the Python package", "1 experiments on fakebox")
	contains(t, "the progress", stderr, "agrees")
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	status, _, _ = judge(t, "real", "-on", "fakebox", "-run", "^gateway-refuses$", "-dir", dir, "-keep")
	left, _ := filepath.Glob(filepath.Join(dir, "*", "fakebox", "shared", "gateway-refuses", "timeline.txt"))
	if status != exitOK || len(left) != 1 {
		t.Errorf("exit %d, kept %v", status, left)
	}
}
