package report

import (
	"fmt"
	"slices"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// A Verdict is the result of a run. A known failure counts like any other.
type Verdict string

const (
	// Conformant means that every MUST of the core and of the declared features was
	// tested and met, and is not in the list of known failures.
	Conformant Verdict = "conformant"
	// Partial means that every MUST that was tested is met, but some were not tested.
	Partial Verdict = "partial"
	// NonConformant means an unmet MUST.
	NonConformant Verdict = "non-conformant"
)

// Counts counts scenarios. The counts from Passed to NotRun add up to Selected.
type Counts struct {
	Selected         int `json:"selected"`
	Passed           int `json:"passed"`
	Failed           int `json:"failed"`
	Warned           int `json:"warned"`
	Known            int `json:"known"`
	Flaky            int `json:"flaky"`
	UnexpectedPasses int `json:"unexpected_passes"`
	NotImplemented   int `json:"not_implemented"`
	NotApplicable    int `json:"not_applicable"`
	CouldNotTest     int `json:"could_not_test"`
	NotRun           int `json:"not_run"`
	// Required counts the scenarios of a MUST for the server, selected or not.
	// RequiredPassed counts those that passed and are not known failures.
	Required       int `json:"required"`
	RequiredPassed int `json:"required_passed"`
}

// A Summary is the result of a run.
type Summary struct {
	Verdict Verdict
	Counts  Counts
	// Unexpected reports whether a result differs from the list of known failures.
	Unexpected bool
	// Incomplete reports whether a selected scenario could not be tested or did not
	// run.
	Incomplete bool
}

// Summarize returns the summary of a run. Selected is the number of selected scenarios.
// Required lists the scenarios that must pass for the verdict Conformant.
func Summarize(results []runner.Result, selected int, required []string) Summary {
	s := Summary{Verdict: Conformant}
	c := Counts{Selected: selected, NotRun: selected - len(results), Required: len(required)}
	for _, r := range results {
		status := StatusOf(r)
		*c.of(status)++
		s.Unexpected = s.Unexpected || status.IsUnexpected()
		switch {
		// An unmet SHOULD does not change the verdict, even with -strict.
		case r.Outcome == runner.Fail && (r.Scenario.Level() == spec.Must || r.Failure != nil && r.Failure.Dead):
			s.Verdict = NonConformant
		case r.Outcome == runner.Pass && r.Known == nil && slices.Contains(required, r.Scenario.ID):
			c.RequiredPassed++
		}
	}
	if s.Verdict == Conformant && c.RequiredPassed < c.Required {
		s.Verdict = Partial
	}
	s.Incomplete = c.CouldNotTest > 0 || c.NotRun > 0
	s.Counts = c
	return s
}

// of returns the count of a status.
func (c *Counts) of(status Status) *int {
	switch status {
	case Passed:
		return &c.Passed
	case Failed:
		return &c.Failed
	case Warned:
		return &c.Warned
	case Known:
		return &c.Known
	case Flaky:
		return &c.Flaky
	case UnexpectedPass:
		return &c.UnexpectedPasses
	case NotImplemented:
		return &c.NotImplemented
	case NotApplicable:
		return &c.NotApplicable
	}
	return &c.CouldNotTest
}

// A count is a number with its label.
type count struct {
	What string
	N    int
}

// list returns the counts other than passed and failed that are not 0.
func (c Counts) list() []count {
	all := []count{
		{"known failure", c.Known},
		{"flaky", c.Flaky},
		{"unexpected pass", c.UnexpectedPasses},
		{"warn", c.Warned},
		{"not implemented", c.NotImplemented},
		{"not applicable", c.NotApplicable},
		{"could not test", c.CouldNotTest},
		{"not run", c.NotRun},
	}
	return slices.DeleteFunc(all, func(c count) bool { return c.N == 0 })
}

// explain returns the verdict, and why it is partial.
func (c Counts) explain(verdict Verdict) string {
	if verdict != Partial {
		return string(verdict)
	}
	but := ""
	if c.Flaky > 0 || c.UnexpectedPasses > 0 {
		but = "; known failures do not count"
	}
	return fmt.Sprintf("%s (%d of %d required scenarios passed%s)", verdict, c.RequiredPassed, c.Required, but)
}
