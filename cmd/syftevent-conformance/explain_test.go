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
			"\nSPEC.md#fail-status\n",
			"Scenarios:\n    fail-status  A request whose handler fails",
			"The scenario of the same name:\n\nfail-status: A request whose handler fails",
			"    covers [fail-status] MUST (core)\n\n# A request whose handler fails",
			"\nbox send oops fail\n",
		},
		// A requirement alone, and one that cannot be tested.
		"route-wildcard": {"[route-wildcard] SHOULD (routing)", "    route-api  ", "    route-users  "},
		"client-unique":  {"It has no scenario: "},
		// A scenario alone, and one that checks an adapter.
		"route-items": {"route-items: A wildcard", "for servers that declare the feature items\n", "\nbox send item items/42\n"},
		"smoke-echo":  {"smoke-echo: /echo returns", "asked of an adapter: SPEC.md, Appendix A (MUST)"},
	} {
		status, stdout, stderr := judge(t, "explain", id)
		if status != exitOK {
			t.Errorf("%s: exit %d\n%s", id, status, stderr)
		}
		contains(t, id, stdout, want...)
	}
	if _, stdout, _ := judge(t, "explain", "route-items"); strings.Contains(stdout, "same name") {
		t.Errorf("a scenario alone is called one of the same name:\n%s", stdout)
	}
}

func TestExplainSuggests(t *testing.T) {
	_, _, stderr := judge(t, "explain", "publish-hole")
	contains(t, "error", stderr, `there is no requirement, scenario or wrong server "publish-hole"; did you mean publish-whole`)
	_, _, stderr = judge(t, "run", "publish-hole")
	contains(t, "error", stderr, "(did you mean publish-whole")
}

func TestExplainNamesDefects(t *testing.T) {
	_, stdout, _ := judge(t, "explain", "read-whole")
	contains(t, "output", stdout, "\nWrong servers that prove it (mutants NAME):\n    half  answers incomplete files\n    impatient  ")
	_, stdout, _ = judge(t, "explain", "half")
	contains(t, "output", stdout, "half: a server that answers incomplete files", "violates [read-whole]", "fails read-whole, detect-in-place")
}

func TestListForPrograms(t *testing.T) {
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
