package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/known"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
)

func knownFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "known.txt")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRefusesBadKnownFile(t *testing.T) {
	for text, want := range map[string]string{
		"# ok\nno-such-id  # why": `known.txt:2: unknown scenario "no-such-id"`,
		"fail-status":             "known.txt:1: fail-status has no reason",
	} {
		status, stdout, stderr := judge(t, "run", "-known", knownFile(t, text), "fail-status")
		if status != exitUsage || strings.Count(stderr, "\n") != 1 || stdout != "" {
			t.Errorf("%q: exit %d, want %d and one line\n%s%s", text, status, exitUsage, stdout, stderr)
		}
		contains(t, "error", stderr, want)
	}
}

func TestUpdateKnown(t *testing.T) {
	path := knownFile(t, "# The list.\nproc-drain  # not run\npublish-beside  # mended\nflaky: fail-text  # who knows\n")
	status, stdout, stderr := against(t, "fail-200", "-known", path, "-update-known", "fail-status", "fail-text", "publish-beside")
	if status != exitOK {
		t.Errorf("exit %d, want %d\n%s%s", status, exitOK, stdout, stderr)
	}
	contains(t, "output", stdout, "added fail-status, which failed; removed publish-beside, which passed")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := "# The list.\nproc-drain  # not run\nflaky: fail-text  # who knows\n" +
		`fail-status  # [fail-status] expected: status 4xx or 5xx; actual: status 200, body "all is well"` + "\n"
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	status, stdout, _ = against(t, "fail-200", "-known", path, "-update-known", "fail-status")
	if status != exitOK || !strings.Contains(stdout, "known failures are up to date") {
		t.Errorf("exit %d\n%s", status, stdout)
	}
}

func TestUpdateKnownCreatesFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.txt")
	if status, stdout, stderr := against(t, "fail-200", "-known", path, "-update-known", "fail-status"); status != exitOK {
		t.Fatalf("exit %d\n%s%s", status, stdout, stderr)
	}
	if data, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(data), "fail-status  # [fail-status] ") {
		t.Errorf("%q, %v", data, err)
	}
}

// Reasons have no random ids: they are the same with another seed.
func TestUpdateKnownWritesStableReasons(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, seed := range []string{"-seed=1", "-seed=2"} {
		path := filepath.Join(t.TempDir(), "known.txt")
		judge(t, "run", seed, "-timescale=0.1", "-known", path, "-update-known", "fail-status", "--", self, "mutant", "silent-failure")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		reasons = append(reasons, string(data))
	}
	if reasons[0] != reasons[1] || !strings.Contains(reasons[0], "/ID.response") {
		t.Errorf("%s%s", reasons[0], reasons[1])
	}
}

func TestUpdateKnownNeedsCompleteRun(t *testing.T) {
	failed := runner.Result{Outcome: runner.Fail}
	for name, results := range map[string][]runner.Result{
		"interrupted":         {failed},
		"could not be tested": {failed, {Outcome: runner.CouldNotTest}},
	} {
		path := filepath.Join(t.TempDir(), "known.txt")
		var out bytes.Buffer
		updated, err := updateKnown(known.New(path), results, 2, &out)
		if updated || err != nil || !strings.Contains(out.String(), "known failures not updated") {
			t.Errorf("%s: updated %v, %v: %s", name, updated, err, &out)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: the file was written", name)
		}
	}
}
