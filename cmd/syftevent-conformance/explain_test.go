package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

func TestExplain(t *testing.T) {
	for id, want := range map[string][]string{
		// A requirement and a scenario of the same name.
		"fail-status": {
			"[fail-status] MUST (core)\n\nA request whose handler failed MUST be answered",
			"\nSPEC.md#fail-status\n\nUsual causes of failures:\n  - The exception is logged",
			"Scenarios:\n    fail-status  A request whose handler fails",
			"Scenario of the same name:\n\nfail-status: A request whose handler fails",
			"    covers [fail-status] MUST (core)\n\n# A request whose handler fails",
			"\nbox send oops fail\n",
		},
		// A requirement without a scenario of its name, and one that cannot be tested.
		"route-wildcard": {"[route-wildcard] SHOULD (routing)", "    route-api  ", "    route-users  "},
		"older-move":     {"No scenario: "},
		// A scenario without a requirement of its name, and a smoke check.
		"route-items": {
			"route-items: A wildcard", "requires the feature items\n", "\nbox send item items/42\n",
			"\nUsual causes of failures of [route-wildcard]:\n  - Patterns are compared",
		},
		"smoke-echo": {"smoke-echo: /echo returns", "checks COMMAND: SPEC.md, Appendix A (MUST)"},
	} {
		status, stdout, stderr := judge(t, "explain", id)
		if status != exitOK {
			t.Errorf("%s: exit %d\n%s", id, status, stderr)
		}
		contains(t, id, stdout, want...)
	}
	if _, stdout, _ := judge(t, "explain", "route-items"); strings.Contains(stdout, "same name") {
		t.Errorf("a scenario without a requirement of its name is called one of the same name:\n%s", stdout)
	}
}

func TestSuggestsNames(t *testing.T) {
	for line, want := range map[string]string{
		"explain publish-hole": `unknown requirement, scenario or defect "publish-hole" (did you mean publish-whole`,
		"explain impatiemt":    "(did you mean impatient",
		"run publish-hole":     `unknown command, scenario or requirement "publish-hole" (did you mean publish-whole`,
		"run route-wildcart":   "(did you mean route-wildcard?)",
		"lisst":                "(did you mean list?)",
		"help lisst":           `unknown command "lisst" (did you mean list?)`,
		"mutants impatiemt":    `unknown defect "impatiemt" (did you mean impatient`,
	} {
		status, _, stderr := judge(t, strings.Fields(line)...)
		if status != exitUsage {
			t.Errorf("%s: exit %d, want %d", line, status, exitUsage)
		}
		contains(t, line, stderr, want, "; see 'syftevent-conformance help ")
	}
}

func TestExplainNamesDefects(t *testing.T) {
	_, stdout, _ := judge(t, "explain", "read-whole")
	contains(t, "output", stdout, "\nDefects that prove the test ('mutants NAME' runs them):\n    half  answers incomplete files\n    impatient  ")
	_, stdout, _ = judge(t, "explain", "half")
	contains(t, "output", stdout, "half: a server that answers incomplete files", "Violates [read-whole]", "Fails read-whole, detect-in-place")
	_, stdout, _ = judge(t, "explain", "never-resends")
	contains(t, "output", stdout, "never-resends: a client that sends no request again", "Violates [client-resend].")
}

func TestListPrintsJSON(t *testing.T) {
	_, stdout, _ := judge(t, "list", "-json")
	var scenarios []listedScenario
	if err := json.Unmarshal([]byte(stdout), &scenarios); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, s := range scenarios {
		if s.ID == "feature-sum" {
			found = true
			want := listedScenario{"feature-sum", spec.Must, "core", "sum", []string{"proc-faithful"}, s.Summary}
			if diff := cmp.Diff(want, s); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	}
	if !found {
		t.Errorf("no feature-sum in %d scenarios", len(scenarios))
	}

	_, stdout, _ = judge(t, "list", "-requirements", "-json")
	var requirements []listedRequirement
	if err := json.Unmarshal([]byte(stdout), &requirements); err != nil {
		t.Fatal(err)
	}
	if len(requirements) != len(spec.Requirements()) {
		t.Errorf("%d requirements", len(requirements))
	}
	for _, r := range requirements {
		if (len(r.Scenarios) == 0) != (r.Untested != "") || r.Text == "" {
			t.Errorf("%+v", r)
		}
	}

	_, stdout, _ = judge(t, "list", "-requirements")
	contains(t, "output", stdout, "ID ", "SCENARIOS\n", "client-unique ")
}
