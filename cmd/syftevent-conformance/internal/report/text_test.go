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
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/terminal"
)

func TestText(t *testing.T) {
	requirement, ok := spec.Find("fail-status")
	if !ok {
		t.Fatal("no requirement fail-status")
	}
	var out strings.Builder
	text := &Text{Out: &out, Required: []string{"one", "two"}, Reproduce: "judge run %s -- server", Explain: "judge explain %s"}
	text.Begin(target.Ready{Implementation: "toy", Version: "1.0"}, 7, []string{"one", "two"})
	text.Add(result("one", runner.Pass))
	text.Add(runner.Result{
		Scenario: scenario.Scenario{ID: "two", Summary: "A failure is one.", Covers: []spec.Requirement{requirement}},
		Outcome:  runner.Fail,
		Failure:  &script.Failure{Line: "expect oops status 5xx", Expected: "status 5xx", Actual: "status 200"},
		Tree:     []string{"   1  a", "   2  b"},
		Stderr:   "a line",
	})
	text.End("")
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


Failures by requirement:

  [fail-status] A request whose handler failed MUST be answered with a status of 400 or above.
      two: expected status 5xx, actual status 200
      usual causes:          judge explain fail-status
      line for -known FILE:  two  # REASON

-known FILE expects the failures that FILE lists; -update-known writes the lines.

1 passed, 1 failed
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
		text.End("")
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
UNEXPECTED PASS: b
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

func TestTextGroupsFailuresByRequirement(t *testing.T) {
	var out strings.Builder
	text := &Text{Out: &out, Reproduce: "%s", Explain: "judge explain %s"}
	text.Begin(target.Ready{}, 7, []string{"a", "b", "c", "d", "e"})
	failure := &script.Failure{Expected: "x", Actual: strings.Repeat("long ", 100)}
	for id, requirement := range map[string]string{"a": "layout-keep", "b": "publish-whole", "c": "detect-links", "d": "publish-whole"} {
		text.Add(runner.Result{Scenario: covering(t, id, requirement), Outcome: runner.Fail, Failure: failure})
	}
	text.Add(runner.Result{Scenario: covering(t, "e", "publish-whole"), Outcome: runner.Fail, Failure: failure, Known: &known.Entry{Reason: "bug"}})
	out.Reset()
	text.End("")
	var got []string
	for line := range strings.Lines(out.String()) {
		for _, start := range []string{"  [", "      a: ", "      b: ", "      c: ", "      d: ", "      e: "} {
			if strings.HasPrefix(line, start) {
				got = append(got, strings.Fields(line)[0])
			}
		}
		if len([]rune(line)) > maxFailureText+20 {
			t.Errorf("line of %d characters: %s", len([]rune(line)), line)
		}
	}
	// Each MUST in the order of SPEC.md, then each SHOULD.
	want := []string{"[detect-links]", "c:", "[publish-whole]", "b:", "d:", "[layout-keep]", "a:"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, out.String())
	}
}

func TestQuietText(t *testing.T) {
	var out strings.Builder
	text := &Text{Out: &out, Quiet: true, Reproduce: "%s", Explain: "%s", Settings: "settings"}
	text.Begin(target.Ready{}, 7, []string{"a", "b", "c", "d", "e", "f"})
	failure := &script.Failure{Line: "x", Expected: "y", Actual: "z"}
	bug := &known.Entry{Reason: "bug"}
	for _, r := range []runner.Result{
		{Scenario: scenario.Scenario{ID: "a"}, Outcome: runner.Pass},
		{Scenario: scenario.Scenario{ID: "b"}, Outcome: runner.Warn, Failure: failure},
		{Scenario: scenario.Scenario{ID: "c"}, Outcome: runner.Fail, Failure: failure, Known: bug},
		{Scenario: scenario.Scenario{ID: "d"}, Outcome: runner.NotApplicable},
	} {
		text.Add(r)
	}
	if out.String() != "" {
		t.Errorf("no failure, but the output is\n%s", out.String())
	}
	text.Add(runner.Result{Scenario: scenario.Scenario{ID: "e"}, Outcome: runner.Fail, Failure: failure})
	text.Add(runner.Result{Scenario: scenario.Scenario{ID: "f"}, Outcome: runner.Pass, Known: bug})
	for _, want := range []string{"5/6  FAIL            e ", "actual:    z", "6/6  UNEXPECTED PASS f "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	out.Reset()
	text.End("cut")
	if want := "1 passed, 1 failed, known failure: 1, unexpected pass: 1, warn: 1, not applicable: 1; cut; verdict: non-conformant\n"; out.String() != want {
		t.Errorf("got  %s\nwant %s", out.String(), want)
	}
}

func TestTextInColor(t *testing.T) {
	requirement := covering(t, "b", "publish-whole")
	for _, color := range []bool{false, true} {
		var out strings.Builder
		text := &Text{Out: &out, Screen: terminal.Screen{Color: color}, Reproduce: "%s", Explain: "%s"}
		text.Begin(target.Ready{}, 7, []string{"a", "b", "c"})
		text.Add(result("a", runner.Pass))
		text.Add(runner.Result{Scenario: requirement, Outcome: runner.Fail})
		text.Add(result("c", runner.Warn))
		text.End("")
		for _, want := range []string{"\x1b[32mpass ", "\x1b[31mFAIL ", "\x1b[33mwarn ", "\x1b[31mb\x1b[0m: ", "\x1b[31mnon-conformant\x1b[0m\n"} {
			if strings.Contains(out.String(), want) != color {
				t.Errorf("color %v: contains %q %v\n%q", color, want, !color, out.String())
			}
		}
		if !color && strings.Contains(out.String(), "\x1b") {
			t.Errorf("an escape without color: %q", out.String())
		}
	}
}
