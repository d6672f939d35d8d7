package main

import (
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

func TestReferencePassesSmoke(t *testing.T) {
	status, stdout, stderr := judge(t, "smoke")
	if status != exitOK {
		t.Fatalf("exit %d\n%s%s", status, stdout, stderr)
	}
	contains(t, "output", stdout, "    implementation    syftevent-go\n", " 0 failed\nThe server is ready for the suite.\n")
	if strings.Contains(stdout, "warn") || strings.Contains(stdout, "not implemented") {
		t.Errorf("some checks did not pass:\n%s", stdout)
	}
}

func smokeAgainst(t *testing.T, target string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return judge(t, append(append([]string{"smoke"}, args...), "--", self, targetPrefix+target)...)
}

// Every check fails for a server that violates its rule.
func TestSmokeChecksCanFail(t *testing.T) {
	seen := map[string]bool{}
	for _, test := range []struct {
		target string
		flags  []string
		fails  []string
		status int
	}{
		{"all-is-well", nil, []string{
			"smoke-api", "smoke-echo", "smoke-empty", "smoke-encryption", "smoke-fail", "smoke-inspect", "smoke-items",
			"smoke-methods", "smoke-nested", "smoke-record", "smoke-slow", "smoke-status", "smoke-sum", "smoke-users",
		}, exitUnexpected},
		{"strict-options", nil, []string{"smoke-options-unknown"}, exitUnexpected},
		{"one-start", nil, []string{"smoke-ready"}, exitUnexpected},
		{"deaf", []string{"-timescale=0.1", "smoke-stop-*", "smoke-sum"}, stopChecks(), exitUnexpected},
		// An unmet SHOULD is a warning.
		{"no-options", []string{"-timescale=0.1", "smoke-options-settle"}, []string{"smoke-options-settle"}, exitOK},
		{"no-options", []string{"-timescale=0.1", "smoke-options-extra"}, []string{"smoke-options-extra"}, exitUnexpected},
	} {
		status, stdout, stderr := smokeAgainst(t, test.target, test.flags...)
		if status != test.status {
			t.Errorf("%s: exit %d, want %d\n%s%s", test.target, status, test.status, stdout, stderr)
		}
		var fails []string
		for _, m := range regexp.MustCompile(`(?m)^ *\d+/\d+ +(?:FAIL|warn) +(\S+)`).FindAllStringSubmatch(stdout, -1) {
			fails, seen[m[1]] = append(fails, m[1]), true
		}
		if slices.Sort(fails); !slices.Equal(fails, test.fails) {
			t.Errorf("%s fails %v, want %v\n%s", test.target, fails, test.fails, stdout)
		}
		if status == exitUnexpected {
			contains(t, test.target, stdout, "The server is not ready for the suite.\n", "Must fix (SPEC.md, Appendix A): "+strings.Join(test.fails, ", "))
		}
	}
	checks, err := scenario.Smoke()
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range scenario.Of(target.Server, checks) {
		if !seen[check.ID] && !(runtime.GOOS == "windows" && check.ID == "smoke-stop-signal") {
			t.Errorf("%s never failed", check.ID)
		}
	}
}

func TestSmokeChecksClients(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for defect, want := range map[string]string{mutant.None: "", "loses-headers": "smoke-call", "waits-forever": "smoke-call-expires"} {
		status, stdout, stderr := judge(t, "smoke", "-role=client", "--", self, "mutant", defect)
		switch {
		case want == "" && status != exitOK, want != "" && status != exitUnexpected:
			t.Errorf("%s: exit %d\n%s%s", defect, status, stdout, stderr)
		case want != "":
			contains(t, defect, stdout, "Must fix (SPEC.md, Appendix A): "+want+".")
		}
	}
}

// stopChecks returns the checks that a server fails if it ignores requests to stop.
func stopChecks() []string {
	if runtime.GOOS == "windows" {
		return []string{"smoke-stop-input"}
	}
	return []string{"smoke-stop-input", "smoke-stop-signal"}
}

func TestSmokeExplainsReadyLine(t *testing.T) {
	for target, want := range map[string]string{
		"exit":               "it exited first (exit status 7)",
		"ready-without-name": `lacks "implementation"`,
	} {
		status, _, stderr := smokeAgainst(t, target)
		if status != exitCouldNotTest {
			t.Errorf("%s: exit %d, want %d", target, status, exitCouldNotTest)
		}
		contains(t, target, stderr, want, "SPEC.md, Appendix A", `{"ready":true,`)
	}
}

func TestSmokeReportsUnknownFeatures(t *testing.T) {
	status, stdout, _ := smokeAgainst(t, "odd-features", "smoke-sum", "smoke-items")
	if status != exitOK {
		t.Errorf("exit %d\n%s", status, stdout)
	}
	contains(t, "output", stdout, `unknown feature "summ"; the features are api, `,
		"The server passed the selected checks. Run smoke without an ID for all checks.\nNot tested, because the server does not declare them: api, cleanup, ")
}
