package report

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/known"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

func TestText(t *testing.T) {
	requirement, ok := spec.Find("fail-status")
	if !ok {
		t.Fatal("no requirement fail-status")
	}
	var out strings.Builder
	text := &Text{Out: &out, Required: []string{"one", "two"}, Reproduce: "judge run %s -- server"}
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
FAIL: two
verdict: non-conformant
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTextOfKnownFailures(t *testing.T) {
	failure := &script.Failure{Line: "exists x", Expected: "x", Actual: "no x"}
	bug := &known.Entry{Reason: "bug 7"}
	chance := &known.Entry{Reason: "chance", Flaky: true}
	run := func(verbose bool) string {
		var out strings.Builder
		text := &Text{Out: &out, Required: []string{"a"}, Reproduce: "judge run %s", Verbose: verbose}
		text.Begin(target.Ready{Implementation: "toy", Version: "1.0"}, 7, []string{"a", "b", "c", "d"})
		for _, r := range []runner.Result{
			{Scenario: scenario.Scenario{ID: "a", Summary: "A."}, Outcome: runner.Fail, Failure: failure, Known: bug},
			{Scenario: scenario.Scenario{ID: "b", Summary: "B."}, Outcome: runner.Pass, Known: bug},
			{Scenario: scenario.Scenario{ID: "c", Summary: "C."}, Outcome: runner.Pass, Known: chance},
			{Scenario: scenario.Scenario{ID: "d", Summary: "D."}, Outcome: runner.Warn, Failure: failure, Known: chance},
		} {
			text.Add(r)
		}
		text.End()
		return out.String()
	}
	want := `4 scenarios against toy 1.0 (no features), seed 7

1/4  known           a       0s
    known to fail: bug 7
2/4  UNEXPECTED PASS b       0s
    known failure passed: remove it from the list, or use -update-known (bug 7)
3/4  flaky           c       0s
    flaky, passed: chance
4/4  flaky           d       0s
    flaky, failed: chance

0 passed, 0 failed
known failure: 1
flaky: 2
unexpected pass: 1
verdict: non-conformant
`
	if diff := cmp.Diff(want, run(false)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if verbose := run(true); strings.Count(verbose, "actual:    no x\n") != 2 {
		t.Errorf("-v does not show the failures that are known:\n%s", verbose)
	}
}

func TestTextShowsTheTimeline(t *testing.T) {
	events := []script.Event{
		{Change: script.Commanded, What: "send oops /fail", Size: -1},
		{At: 2500 * time.Microsecond, Change: script.Appeared, What: "fail/oops.request", Size: 1},
	}
	var out strings.Builder
	text := &Text{Out: &out, Reproduce: "%s"}
	text.Add(runner.Result{Scenario: scenario.Scenario{ID: "a"}, Outcome: runner.Fail, Events: events})
	want := "    timeline:\n" +
		"          0.000  > send oops /fail\n" +
		"          0.003  appear  fail/oops.request (1 byte)\n"
	if !strings.Contains(out.String(), want) {
		t.Errorf("want\n%s in\n%s", want, out.String())
	}
}
