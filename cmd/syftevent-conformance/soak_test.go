package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestSoak(t *testing.T) {
	t.Chdir(t.TempDir())
	status, stdout, stderr := judge(t, "run", "-soak", "1ms", "-seed", "5")
	if status != exitOK {
		t.Fatalf("exit %d\n%s%s", status, stdout, stderr)
	}
	contains(t, "output", stdout, "soak of 1ms with seed 5\n", "no failure in ", " rounds, ")
}

// A soak finds a defect that no scenario finds, and its scenario repeats the failure.
func TestSoakFindsAndRepeatsAFailure(t *testing.T) {
	t.Chdir(t.TempDir())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := []string{"--", self, "mutant", "few-headers"}
	status, stdout, stderr := judge(t, append([]string{"run", "-soak", "1m", "-seed", "5"}, command...)...)
	if status != exitUnexpected {
		t.Fatalf("exit %d\n%s%s", status, stdout, stderr)
	}
	contains(t, "output", stdout, "fails again with a new server", " header x-echo-", "-replay=soak-5-")
	files, err := filepath.Glob("soak-5-*.txtar")
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q, %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	// The request, its checks, the head, the start and the end.
	if sends := regexp.MustCompile(`(?m)^box send `).FindAll(data, -1); len(sends) != 1 || strings.Count(string(data), "\n") > 15 {
		t.Errorf("it was not reduced to one request:\n%s", data)
	}
	for seed, want := range map[string]int{"5": exitUnexpected, "6": exitUnexpected} {
		status, stdout, _ := judge(t, append([]string{"run", "-replay", files[0], "-seed", seed, "-timescale", "0.5"}, command...)...)
		if status != want {
			t.Errorf("seed %s: exit %d\n%s", seed, status, stdout)
		}
	}
	if status, stdout, _ := judge(t, "run", "-replay", files[0]); status != exitOK {
		t.Errorf("the reference: exit %d\n%s", status, stdout)
	}
}

func TestSoakUsageErrors(t *testing.T) {
	for _, args := range [][]string{
		{"-soak", "-1s"}, {"-soak", "1s", "proc-once"}, {"-soak", "1s", "-json", "x"}, {"-soak", "1s", "-reuse"},
		{"-soak", "1s", "-replay", "x"}, {"-replay", "x", "proc-once"}, {"-replay", "x", "-known", "y"}, {"-replay", "/no/such/file"},
	} {
		status, _, stderr := judge(t, append([]string{"run"}, args...)...)
		if status != exitUsage || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: exit %d, want %d and one line of error\n%s", args, status, exitUsage, stderr)
		}
	}
}
