package report

import (
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/known"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
)

func result(id string, outcome runner.Outcome) runner.Result {
	return runner.Result{Outcome: outcome, Scenario: scenario.Scenario{ID: id}}
}

// listed returns a result with an entry in the list of known failures.
func listed(r runner.Result, flaky bool) runner.Result {
	r.Known = &known.Entry{Scenario: r.Scenario.ID, Reason: "because", Flaky: flaky}
	return r
}

func TestSummary(t *testing.T) {
	a, b := result("a", runner.Pass), result("b", runner.Pass)
	tests := []struct {
		name                   string
		results                []runner.Result
		want                   Verdict
		unexpected, incomplete bool
	}{
		{"all pass", []runner.Result{a, b}, Conformant, false, false},
		{"one fails", []runner.Result{a, result("b", runner.Fail)}, NonConformant, true, false},
		{"one left out", []runner.Result{a}, Partial, false, true},
		{"one could not be tested", []runner.Result{a, result("b", runner.CouldNotTest)}, Partial, false, true},
		{"failure outranks", []runner.Result{result("a", runner.Fail), result("b", runner.CouldNotTest)}, NonConformant, true, true},
		{"a core MUST not implemented", []runner.Result{a, result("b", runner.NotImplemented)}, Partial, false, false},
		{"another not implemented", []runner.Result{a, b, result("c", runner.NotImplemented)}, Conformant, false, false},
		{"a warning", []runner.Result{a, b, result("c", runner.Warn)}, Conformant, false, false},

		{"a known failure", []runner.Result{a, listed(result("b", runner.Fail), false)}, NonConformant, false, false},
		{"a known failure of another", []runner.Result{a, b, listed(result("c", runner.Fail), false)}, NonConformant, false, false},
		{"a known warning", []runner.Result{a, b, listed(result("c", runner.Warn), false)}, Conformant, false, false},
		{"a known failure that passes", []runner.Result{a, listed(b, false)}, Partial, true, false},
		{"a known warning that passes", []runner.Result{a, b, listed(result("c", runner.Pass), false)}, Conformant, true, false},
		{"known, and could not be tested", []runner.Result{a, listed(result("b", runner.CouldNotTest), false)}, Partial, false, true},
		{"known, and not implemented", []runner.Result{a, b, listed(result("c", runner.NotImplemented), false)}, Conformant, false, false},
		{"flaky, failed", []runner.Result{a, listed(result("b", runner.Fail), true)}, NonConformant, false, false},
		{"flaky, passed", []runner.Result{a, listed(b, true)}, Partial, false, false},
		{"flaky, warned", []runner.Result{a, b, listed(result("c", runner.Warn), true)}, Conformant, false, false},
		{"beside a failure that is not known", []runner.Result{result("a", runner.Fail), listed(b, true)}, NonConformant, true, false},
	}
	for _, test := range tests {
		got := Summarize(test.results, max(2, len(test.results)), []string{"a", "b"})
		if got.Verdict != test.want || got.Unexpected != test.unexpected || got.Incomplete != test.incomplete {
			t.Errorf("%s: %s, unexpected %v, incomplete %v", test.name, got.Verdict, got.Unexpected, got.Incomplete)
		}
		c := got.Counts
		if sum := c.Passed + c.Failed + c.Warned + c.Known + c.Flaky + c.UnexpectedPasses + c.NotImplemented + c.NotApplicable + c.CouldNotTest + c.NotRun; sum != c.Selected {
			t.Errorf("%s: %d counted of %d", test.name, sum, c.Selected)
		}
	}
}

// With -strict, an unmet SHOULD fails the run but not the server.
func TestStrictDoesNotChangeTheVerdict(t *testing.T) {
	for _, dead := range []bool{false, true} {
		r := runner.Result{Outcome: runner.Fail, Scenario: covering(t, "fail-text", "fail-text"), Failure: &script.Failure{Dead: dead}}
		got := Summarize([]runner.Result{r}, 1, nil)
		if want := map[bool]Verdict{false: Conformant, true: NonConformant}[dead]; got.Verdict != want || !got.Unexpected {
			t.Errorf("dead %v: verdict %s, want %s; unexpected %v", dead, got.Verdict, want, got.Unexpected)
		}
	}
}
