package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/terminal"
)

// A Text writes the results of a run as text while it runs.
type Text struct {
	Out io.Writer
	// Screen is what Out can show.
	Screen terminal.Screen
	// Quiet leaves out everything but failures and the summary in one line.
	Quiet bool
	// Verbose adds the log of scenarios that pass, and the details of known failures.
	Verbose bool
	// Settings is a line for the head. "" means none.
	Settings string
	// Reproduce is the command line that repeats a scenario, with %s for its id.
	Reproduce string
	// Explain is the command line that explains a requirement, with %s for its id.
	Explain string
	// Required lists the scenarios that must pass for the verdict Conformant.
	Required []string

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
	if t.Quiet {
		return
	}
	features := "no features"
	if len(ready.Features) > 0 {
		features = "features " + strings.Join(ready.Features, ", ")
	}
	fmt.Fprintf(t.Out, "%s against %s %s (%s), seed %d\n", plural(len(ids), "scenario"), ready.Implementation, ready.Version, features, seed)
	if t.Settings != "" {
		fmt.Fprintln(t.Out, t.Settings)
	}
	fmt.Fprintln(t.Out)
}

// Add writes one result.
func (t *Text) Add(r runner.Result) {
	t.results = append(t.results, r)
	status := StatusOf(r)
	if t.Quiet && !status.IsUnexpected() && status != CouldNotTest {
		return
	}
	digits := len(fmt.Sprint(t.total))
	fmt.Fprintf(t.Out, "%*d/%d  %s %-*s %8s\n", digits, len(t.results), t.total,
		t.Screen.Paint(status.color(), fmt.Sprintf("%-15s", status)), t.width, r.Scenario.ID, r.Duration.Round(time.Millisecond))
	s := newScenario(r, t.Reproduce)
	switch status {
	case Failed, Warned, CouldNotTest:
		t.explain(r, s)
	case Known, Flaky, UnexpectedPass:
		t.indented(s.knownText())
		if t.Verbose && r.Outcome != runner.Pass {
			t.explain(r, s)
		}
	case NotApplicable:
		t.indented(block("reason", r.Problem))
	}
	if t.Verbose && r.Outcome == runner.Pass {
		t.indented(block("log", r.Log))
	}
	if r.Dir != "" {
		t.indented(block("files kept in", r.Dir))
	}
}

// explain writes the details of a result that is not a pass.
func (t *Text) explain(r runner.Result, s Scenario) {
	fmt.Fprintln(t.Out)
	t.indented(s.Summary)
	t.indented(s.evidence())
	if t.Verbose {
		t.indented(block("log", r.Log))
	}
	t.indented("reproduce: " + s.Reproduce)
	fmt.Fprintln(t.Out)
}

// indented writes indented lines below a result.
func (t *Text) indented(text string) {
	if text = strings.TrimRight(text, "\n"); text != "" {
		fmt.Fprintf(t.Out, "    %s\n", strings.ReplaceAll(text, "\n", "\n    "))
	}
}

// color returns the color of a status on a terminal.
func (s Status) color() terminal.Color {
	switch s {
	case Passed:
		return terminal.Green
	case Failed, UnexpectedPass, CouldNotTest:
		return terminal.Red
	case Warned, Flaky:
		return terminal.Yellow
	}
	return ""
}

// End writes the failures by requirement, the counts and the verdict. cut says why the run
// ended early; "" means that it did not.
func (t *Text) End(cut string) {
	s := t.Summary()
	verdict := t.Screen.Paint(s.Verdict.color(), s.Counts.explain(s.Verdict))
	if t.Quiet {
		parts := []string{s.Counts.String(), cut, "verdict: " + verdict}
		fmt.Fprintln(t.Out, strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "; "))
		return
	}
	t.writeFailures()
	fmt.Fprintf(t.Out, "\n%d passed, %d failed\n", s.Counts.Passed, s.Counts.Failed)
	for _, c := range s.Counts.list() {
		fmt.Fprintf(t.Out, "%s: %d\n", c.What, c.N)
	}
	for _, status := range []Status{Warned, UnexpectedPass, CouldNotTest} {
		t.list(status)
	}
	if cut != "" {
		fmt.Fprintf(t.Out, "%s: the verdict is about the scenarios that ran\n", cut)
	}
	fmt.Fprintf(t.Out, "verdict: %s\n", verdict)
}

// color returns the color of a verdict on a terminal.
func (v Verdict) color() terminal.Color {
	return map[Verdict]terminal.Color{Conformant: terminal.Green, Partial: terminal.Yellow, NonConformant: terminal.Red}[v]
}

// list writes the ids of the scenarios with a status, if any.
func (t *Text) list(status Status) {
	var ids []string
	for _, r := range t.results {
		if StatusOf(r) == status {
			ids = append(ids, r.Scenario.ID)
		}
	}
	if slices.Sort(ids); len(ids) > 0 {
		fmt.Fprintf(t.Out, "%s: %s\n", t.Screen.Paint(status.color(), string(status)), strings.Join(ids, ", "))
	}
}

// Summary returns the summary of the results so far.
func (t *Text) Summary() Summary { return Summarize(t.results, t.total, t.Required) }

// Results returns the results so far, in the order of arrival.
func (t *Text) Results() []runner.Result { return t.results }
