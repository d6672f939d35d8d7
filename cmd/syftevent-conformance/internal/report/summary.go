package report

import (
	"fmt"
	"slices"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// A Verdict sums up a run in one word. It is about the server alone: that a failure
// was known makes it no better.
type Verdict string

const (
	// Conformant: every MUST of the core, and of what the server declares, was tested
	// and is met, and is not listed as one that may fail.
	Conformant Verdict = "conformant"
	// Partial: no MUST that was tested is not met, but not every one was tested.
	Partial Verdict = "partial"
	// NonConformant: a MUST is not met.
	NonConformant Verdict = "non-conformant"
)

// Counts are how many scenarios came to what. Each scenario that was selected is
// in one of those from Passed to NotRun.
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
	// Required is how many scenarios of a MUST the suite has for the server, selected
	// or not, and RequiredPassed how many of them passed and are not listed as known
	// to fail.
	Required       int `json:"required"`
	RequiredPassed int `json:"required_passed"`
}

// A Summary is what a run comes to.
type Summary struct {
	Verdict Verdict
	Counts  Counts
	// Unexpected is whether something failed that was not known to, or passed
	// that was known to fail.
	Unexpected bool
	// Incomplete is whether something that was selected could not be tested, or
	// was not run.
	Incomplete bool
}

// Summarize sums up the results of the scenarios that were run out of those that
// were selected. Required are the ids of all scenarios of a MUST of the core and of
// what the server declares: the verdict is partial unless they all passed.
func Summarize(results []runner.Result, selected int, required []string) Summary {
	s := Summary{Verdict: Conformant}
	c := Counts{Selected: selected, NotRun: selected - len(results), Required: len(required)}
	for _, r := range results {
		status := StatusOf(r)
		*c.of(status)++
		s.Unexpected = s.Unexpected || status.IsUnexpected()
		switch {
		// That -strict makes a failure of a SHOULD is no matter of the server's.
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

// of is the count of a status.
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

// A count is one figure with the words for it.
type count struct {
	What string
	N    int
}

// list is the counts beside passed and failed that are not 0.
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

// explain is the verdict with, if it is partial, what it lacks.
func (c Counts) explain(verdict Verdict) string {
	if verdict != Partial {
		return string(verdict)
	}
	but := ""
	if c.Flaky > 0 || c.UnexpectedPasses > 0 {
		but = "; those that are listed as known to fail do not count"
	}
	return fmt.Sprintf("%s (%d of %d scenarios of a MUST count as passed%s)", verdict, c.RequiredPassed, c.Required, but)
}
