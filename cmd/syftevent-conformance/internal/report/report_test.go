package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

func result(id string, outcome runner.Outcome) runner.Result {
	return runner.Result{Outcome: outcome, Scenario: scenario.Scenario{ID: id}}
}

func TestVerdict(t *testing.T) {
	tests := []struct {
		name                   string
		results                []runner.Result
		want                   Verdict
		unexpected, incomplete bool
	}{
		{"all pass", []runner.Result{result("a", runner.Pass), result("b", runner.Pass)}, Conformant, false, false},
		{"one fails", []runner.Result{result("a", runner.Pass), result("b", runner.Fail)}, NonConformant, true, false},
		{"one left out", []runner.Result{result("a", runner.Pass)}, Partial, false, true},
		{"one could not be tested", []runner.Result{result("a", runner.Pass), result("b", runner.CouldNotTest)}, Partial, false, true},
		{"failure outranks", []runner.Result{result("a", runner.Fail), result("b", runner.CouldNotTest)}, NonConformant, true, true},
		{"a core MUST not implemented", []runner.Result{result("a", runner.Pass), result("b", runner.NotImplemented)}, Partial, false, false},
		{"another not implemented", []runner.Result{result("a", runner.Pass), result("b", runner.Pass), result("c", runner.NotImplemented)}, Conformant, false, false},
		{"a warning", []runner.Result{result("a", runner.Pass), result("b", runner.Pass), result("c", runner.Warn)}, Conformant, false, false},
	}
	for _, test := range tests {
		text := &Text{Out: &strings.Builder{}, CoreMust: []string{"a", "b"}, Reproduce: "%s"}
		text.Begin(target.Ready{}, 1, make([]string, max(2, len(test.results))))
		for _, r := range test.results {
			text.Add(r)
		}
		if text.Verdict() != test.want || text.Unexpected() != test.unexpected || text.Incomplete() != test.incomplete {
			t.Errorf("%s: %s, unexpected %v, incomplete %v", test.name, text.Verdict(), text.Unexpected(), text.Incomplete())
		}
	}
}

func TestText(t *testing.T) {
	requirement, ok := spec.Find("fail-status")
	if !ok {
		t.Fatal("no requirement fail-status")
	}
	var out strings.Builder
	text := &Text{Out: &out, CoreMust: []string{"one", "two"}, Reproduce: "judge run %s -- server"}
	text.Begin(target.Ready{Implementation: "toy", Version: "1.0"}, 7, []string{"one", "two"})
	text.Add(result("one", runner.Pass))
	text.Add(runner.Result{
		Scenario: scenario.Scenario{ID: "two", Summary: "A failure is one.", Covers: []spec.Requirement{requirement}},
		Outcome:  runner.Fail,
		Failure:  &script.Failure{Line: "expect oops status 5xx", Expected: "status 5xx", Actual: "status 200"},
		Tree:     []string{"   1  a", "   2  b"},
		Stderr:   "a line",
	})
	text.End()
	want := `2 scenarios against toy 1.0 (no features), seed 7

1/2  pass            one       0s
2/2  FAIL            two       0s

    A failure is one.
    SPEC.md [fail-status] A request whose handler failed MUST be answered with a status of 400 or above.
    at:        expect oops status 5xx
    expected:  status 5xx
    actual:    status 200
    files:
           1  a
           2  b
    end of the server's log: a line
    reproduce: judge run two -- server


1 passed, 1 failed
verdict: non-conformant
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
