// Package report writes what a run has found, for people.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// A Verdict sums up a run.
type Verdict string

const (
	// Conformant: every MUST that was tested is met, and every core MUST was
	// tested.
	Conformant Verdict = "conformant"
	// Partial: nothing that was tested failed, but not every core MUST was
	// tested.
	Partial Verdict = "partial"
	// NonConformant: a MUST is not met.
	NonConformant Verdict = "non-conformant"
)

// A Text writes a run as text, each result when it is there.
type Text struct {
	Out io.Writer
	// Verbose shows the log of scenarios that pass, too.
	Verbose bool
	// Reproduce is the command line that repeats a scenario, with %s for its id.
	Reproduce string
	// CoreMust are the ids of all scenarios that cover a core MUST; the verdict
	// is partial unless they all ran.
	CoreMust []string

	total   int
	width   int
	results []runner.Result
}

// Begin writes the head of the run.
func (t *Text) Begin(ready target.Ready, seed uint64, ids []string) {
	t.total = len(ids)
	for _, id := range ids {
		t.width = max(t.width, len(id))
	}
	features := "no features"
	if len(ready.Features) > 0 {
		features = "features " + strings.Join(ready.Features, ", ")
	}
	fmt.Fprintf(t.Out, "%s against %s %s (%s), seed %d\n\n", plural(len(ids), "scenario"), ready.Implementation, ready.Version, features, seed)
}

// Add writes one result.
func (t *Text) Add(r runner.Result) {
	t.results = append(t.results, r)
	digits := len(fmt.Sprint(t.total))
	fmt.Fprintf(t.Out, "%*d/%d  %-15s %-*s %8s\n", digits, len(t.results), t.total, r.Outcome, t.width, r.Scenario.ID, r.Duration.Round(time.Millisecond))
	switch r.Outcome {
	case runner.Fail, runner.Warn, runner.CouldNotTest:
		t.explain(r)
	case runner.NotApplicable:
		t.block("because", r.Problem)
	case runner.Pass:
		if t.Verbose {
			t.block("log", r.Log)
		}
	}
	if r.Dir != "" {
		t.block("files kept in", r.Dir)
	}
}

// explain writes all that helps to understand a result that is not a pass.
func (t *Text) explain(r runner.Result) {
	fmt.Fprintf(t.Out, "\n    %s\n", r.Scenario.Summary)
	for _, requirement := range r.Scenario.Covers {
		fmt.Fprintf(t.Out, "    SPEC.md [%s] %s\n", requirement.ID, requirement.Text)
	}
	if f := r.Failure; f != nil {
		fmt.Fprintf(t.Out, "    at:        %s\n", f.Line)
		fmt.Fprintf(t.Out, "    expected:  %s\n", f.Expected)
		fmt.Fprintf(t.Out, "    actual:    %s\n", f.Actual)
	}
	t.block("problem", r.Problem)
	t.block("timeline", strings.Join(script.FormatEvents(r.Events), "\n"))
	t.block("files", strings.Join(r.Tree, "\n"))
	t.block("end of the server's log", r.Stderr)
	if t.Verbose {
		t.block("log", r.Log)
	}
	fmt.Fprintf(t.Out, "    reproduce: %s\n\n", fmt.Sprintf(t.Reproduce, r.Scenario.ID))
}

// block writes a text of any number of lines, indented, under a heading.
func (t *Text) block(heading, text string) {
	text = strings.Trim(text, "\n")
	switch {
	case text == "":
	case !strings.Contains(text, "\n"):
		fmt.Fprintf(t.Out, "    %s: %s\n", heading, text)
	default:
		fmt.Fprintf(t.Out, "    %s:\n        %s\n", heading, strings.ReplaceAll(text, "\n", "\n        "))
	}
}

// End writes the figures and the verdict.
func (t *Text) End() {
	fmt.Fprintf(t.Out, "\n%d passed, %d failed\n", t.count(runner.Pass), t.count(runner.Fail))
	for _, outcome := range []runner.Outcome{runner.Warn, runner.NotImplemented, runner.NotApplicable, runner.CouldNotTest} {
		if n := t.count(outcome); n > 0 {
			fmt.Fprintf(t.Out, "%s: %d\n", strings.ToLower(string(outcome)), n)
		}
	}
	if n := t.total - len(t.results); n > 0 {
		fmt.Fprintf(t.Out, "not run: %d\n", n)
	}
	fmt.Fprintf(t.Out, "verdict: %s\n", t.explainVerdict())
}

// explainVerdict is the verdict with, if it is partial, what it lacks.
func (t *Text) explainVerdict() string {
	verdict := t.Verdict()
	if verdict != Partial {
		return string(verdict)
	}
	passed := 0
	for _, r := range t.results {
		if r.Outcome == runner.Pass && slices.Contains(t.CoreMust, r.Scenario.ID) {
			passed++
		}
	}
	return fmt.Sprintf("%s (%d of %d scenarios of a core MUST were run and passed)", verdict, passed, len(t.CoreMust))
}

func plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return fmt.Sprintf("%d %s", n, word)
}

func (t *Text) count(outcome runner.Outcome) int {
	n := 0
	for _, r := range t.results {
		if r.Outcome == outcome {
			n++
		}
	}
	return n
}

// Verdict sums up the results so far.
func (t *Text) Verdict() Verdict {
	passed := map[string]bool{}
	for _, r := range t.results {
		if r.Outcome == runner.Fail {
			return NonConformant
		}
		passed[r.Scenario.ID] = r.Outcome == runner.Pass
	}
	if slices.ContainsFunc(t.CoreMust, func(id string) bool { return !passed[id] }) {
		return Partial
	}
	return Conformant
}

// Unexpected reports whether anything failed that should not have.
func (t *Text) Unexpected() bool {
	return t.count(runner.Fail) > 0
}

// Incomplete reports whether something could not be tested.
func (t *Text) Incomplete() bool {
	return t.count(runner.CouldNotTest) > 0 || len(t.results) < t.total
}

// IsCoreMust reports whether a level and class are those of which no scenario
// may be left out.
func IsCoreMust(level spec.Level, class string) bool { return level == spec.Must && class == "core" }
