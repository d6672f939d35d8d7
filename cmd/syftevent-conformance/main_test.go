package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The tests start the test binary as the program itself, and as servers with one
// injected fault (targets_test.go).
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if os.Args[1] == "serve" || os.Args[1] == "mutant" || os.Args[1] == "run" {
			main()
		}
		if name, ok := strings.CutPrefix(os.Args[1], targetPrefix); ok {
			os.Exit(runTarget(name))
		}
	}
	os.Exit(m.Run())
}

const targetPrefix = "target:"

// judge runs a command line and returns its exit status and output.
func judge(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = command(t.Context(), args, strings.NewReader(""), &out, &errs)
	return status, out.String(), errs.String()
}

// against runs scenarios against a server with an injected fault.
func against(t *testing.T, target string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return judge(t, append(append([]string{"run"}, args...), "--", self, targetPrefix+target)...)
}

func contains(t *testing.T, where, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not contain %q:\n%s", where, want, text)
		}
	}
}

func TestReferenceIsConformant(t *testing.T) {
	// With the race detector on a busy machine, a server takes long for requests of 3 MB.
	status, stdout, stderr := judge(t, "run", "-timescale=3")
	if status != exitOK {
		t.Fatalf("exit %d\n%s%s", status, stdout, stderr)
	}
	contains(t, "output", stdout, "against syftevent-go", " 0 failed\n", "verdict: conformant\n")
	if regexp.MustCompile(`(?m)^(warn|could not test|not implemented|not run): `).MatchString(stdout) {
		t.Errorf("some scenarios did not pass:\n%s", stdout)
	}
}

func TestReferenceClientIsConformant(t *testing.T) {
	status, stdout, stderr := judge(t, "run", "-role=client", "-strict", "-timescale=3")
	if status != exitOK {
		t.Fatalf("exit %d\n%s%s", status, stdout, stderr)
	}
	contains(t, "output", stdout, "against syftevent-go", " 0 failed\n", "verdict: conformant\n")
}

func TestReportsFailure(t *testing.T) {
	status, stdout, stderr := against(t, "fail-200", "fail-status", "publish-beside")
	if status != exitUnexpected {
		t.Fatalf("exit %d, want %d\n%s%s", status, exitUnexpected, stdout, stderr)
	}
	contains(t, "output", stdout,
		"SPEC.md [fail-status] A request whose handler failed MUST be answered with a status of 400 or above.",
		"expected:  status 4xx or 5xx",
		"actual:    status 200",
		" run -keep -seed=",
		" fail-status -- ",
		"  > box send oops fail\n",
		"  appear  fail/",
		"$RPC/fail/",
		"1 passed, 1 failed\n",
		"verdict: non-conformant\n")
}

func TestStrictCountsWarnings(t *testing.T) {
	tests := []struct {
		strict string
		status int
		want   string
	}{
		{"-strict=false", exitOK, "1 passed, 0 failed\nwarn: 2\n"},
		{"-strict", exitUnexpected, "1 passed, 2 failed\n"},
	}
	for _, test := range tests {
		status, stdout, stderr := against(t, "fail-503", test.strict, "fail-text", "fail-status")
		if status != test.status {
			t.Errorf("%s: exit %d, want %d\n%s%s", test.strict, status, test.status, stdout, stderr)
		}
		contains(t, "output", stdout, test.want, "expected:  status 500", "actual:    status 503")
	}
}

func TestUsageErrors(t *testing.T) {
	for _, args := range [][]string{
		{"no-such-id"},
		{"run", "no-such-id"},
		{"run", "publish-*", "no-such-*"},
		{"run", "-no-such-flag"},
		{"run", "-timescale", "0"},
		{"run", "-timescale", "x"},
		{"run", "-timescale", "Inf"},
		{"run", "-ready-timeout", "-1s"},
		{"run", "-ready-timeout", "5"},
		{"run", "-parallel", "0"},
		{"run", "-update-known"},
		{"run", "-q", "-v"},
		{"smoke", "-q"},
		{"run", "-target-dir", "."},
		{"run", "-dir", "/no/such/folder"},
		{"run", "-dir", "main.go"},
		{"run", "-dir", ".", "-target-dir", "/no/such/folder"},
		{"run", "-dir", ".", "-target-dir", "main.go"},
		{"run", "-known", "/no/such/file"},
		{"run", "-parallel", "few"},
		{"run", "-"},
		{"-"},
		{"client-unique"},
		{"run", "--"},
		{"smoke", "no-such-check"},
		{"smoke", "publish-whole"},
		{"smoke", "-known", "x"},
		{"smoke", "-json", "x"},
		{"list", "x"},
		{"list", "-no-such-flag"},
		{"explain"},
		{"explain", "fail-status", "fail-text"},
		{"explain", "fail-statsu"},
		{"serve", "x"},
		{"help", "x"},
		{"help", "run", "list"},
		{"version", "x"},
	} {
		status, stdout, stderr := judge(t, args...)
		if status != exitUsage || strings.Count(stderr, "\n") != 1 || stdout != "" {
			t.Errorf("%q: exit %d, want %d and one line of error\n%s%s", args, status, exitUsage, stdout, stderr)
		}
	}
}

func TestServeRefusesBadConfiguration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, []byte(`{"email": "bob"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SYFTBOX_CLIENT_CONFIG_PATH", path)
	t.Setenv("SYFTEVENT_APP", "demo")
	status, _, stderr := judge(t, "serve")
	if status != exitUsage || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit %d, want %d and one line\n%s", status, exitUsage, stderr)
	}
	contains(t, "error", stderr, path, `"email"`)

	t.Setenv("SYFTEVENT_OPTIONS", `{"settle":7}`)
	if status, _, stderr := judge(t, "serve"); status != exitUsage || !strings.Contains(stderr, "SYFTEVENT_OPTIONS") {
		t.Errorf("exit %d\n%s", status, stderr)
	}
	t.Setenv("SYFTEVENT_APP", "")
	if status, _, stderr := judge(t, "serve"); status != exitUsage || !strings.Contains(stderr, "SYFTEVENT_APP") {
		t.Errorf("exit %d\n%s", status, stderr)
	}
}

func TestServerNeverReady(t *testing.T) {
	tests := []struct {
		target string
		want   []string
	}{
		{"exit", []string{"it exited first (exit status 7)", "the last words"}},
		{"silent", []string{"no ready line on standard output within 300ms", "still thinking"}},
		{"ready-without-name", []string{`lacks "implementation"`}},
	}
	for _, test := range tests {
		status, stdout, stderr := against(t, test.target, "-ready-timeout", "300ms")
		if status != exitCouldNotTest {
			t.Errorf("%s: exit %d, want %d\n%s", test.target, status, exitCouldNotTest, stdout)
		}
		contains(t, test.target+": error", stderr, test.want...)
	}
	status, _, stderr := judge(t, "run", "--", filepath.Join(t.TempDir(), "no-such-program"))
	if status != exitCouldNotTest {
		t.Errorf("exit %d, want %d\n%s", status, exitCouldNotTest, stderr)
	}
	contains(t, "error", stderr, "no-such-program")
}

// The scenario after the one in which a server dies gets a fresh process.
func TestServerDeathFailsOneScenario(t *testing.T) {
	status, stdout, stderr := against(t, "die-at-echo", "detect-websocket", "fail-plain", "proc-expired")
	if status != exitUnexpected {
		t.Fatalf("exit %d, want %d\n%s%s", status, exitUnexpected, stdout, stderr)
	}
	contains(t, "output", stdout,
		"actual:    the server has ended (exit status 9)",
		"dying at /echo",
		"2 passed, 3 failed\n") // proc-expired and vectors-faithful send to /echo
}

// A server that dies violates a MUST, even in a scenario about a SHOULD.
func TestServerDeathIsNotAWarning(t *testing.T) {
	status, stdout, stderr := against(t, "die-at-slow", "proc-concurrent")
	if status != exitUnexpected {
		t.Errorf("exit %d, want %d\n%s%s", status, exitUnexpected, stdout, stderr)
	}
	contains(t, "output", stdout, "0 passed, 1 failed\n", "verdict: non-conformant\n", "exit status 9")
}

func TestIgnoresOutputBeforeReadyLine(t *testing.T) {
	if status, stdout, stderr := against(t, "chatter", "publish-beside"); status != exitOK {
		t.Errorf("exit %d\n%s%s", status, stdout, stderr)
	}
}

func TestReportsServerThatIgnoresSIGTERM(t *testing.T) {
	status, stdout, stderr := against(t, "deaf", "-timescale=0.1", "proc-drain")
	if status != exitUnexpected {
		t.Errorf("exit %d, want %d\n%s%s", status, exitUnexpected, stdout, stderr)
	}
	contains(t, "output", stdout, "was killed")
}

func TestKeepKeepsFiles(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	_, stdout, _ := judge(t, "run", "-keep", "publish-beside")
	kept := regexp.MustCompile(`files kept in: (.*)\n`).FindStringSubmatch(stdout)
	if kept == nil {
		t.Fatalf("no folder in the output:\n%s", stdout)
	}
	if configs, err := filepath.Glob(filepath.Join(kept[1], "box", "*@*", "config.json")); len(configs) != 1 {
		t.Errorf("configurations %q, %v", configs, err)
	}
}

func TestRemovesFiles(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	judge(t, "run", "publish-beside")
	against(t, "exit")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestReportsInterruption(t *testing.T) {
	// Interrupt before the server is ready, and while scenarios run.
	for _, when := range []string{"", "1/"} {
		ctx, cancel := context.WithCancel(t.Context())
		var errs bytes.Buffer
		out := &trigger{text: when, fire: cancel}
		if when == "" {
			cancel()
		}
		status := command(ctx, []string{"run"}, strings.NewReader(""), out, &errs)
		if status != exitCouldNotTest || !strings.Contains(errs.String(), "interrupted") {
			t.Errorf("exit %d, want %d and the word\n%s%s", status, exitCouldNotTest, out.String(), &errs)
		}
		if when != "" {
			contains(t, "output", out.String(), "not run: ")
		}
	}
}

// A trigger is a buffer that calls fire when text is written.
type trigger struct {
	bytes.Buffer
	text string
	fire func()
}

func (t *trigger) Write(p []byte) (int, error) {
	n, err := t.Buffer.Write(p)
	if t.text != "" && strings.Contains(t.String(), t.text) {
		t.fire()
	}
	return n, err
}

func TestListAndVersion(t *testing.T) {
	status, stdout, _ := judge(t, "list")
	if status != exitOK {
		t.Errorf("exit %d", status)
	}
	contains(t, "list", stdout, "publish-whole", "MUST", "SHOULD", "route-items")
	status, stdout, _ = judge(t, "version")
	if status != exitOK {
		t.Errorf("exit %d", status)
	}
	contains(t, "version", stdout, "syftevent-conformance ", "go1")
	if status, other, _ := judge(t, "--version"); status != exitOK || other != stdout {
		t.Errorf("--version: exit %d, %q, want %q", status, other, stdout)
	}
}

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{"": "''", "plain-1.2/x=y": "plain-1.2/x=y", "a b": "'a b'", "it's": `'it'\''s'`, "*": "'*'"} {
		if got := quote(word); got != want {
			t.Errorf("quote(%q) = %s, want %s", word, got, want)
		}
	}
}
