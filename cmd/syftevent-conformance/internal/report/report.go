// Package report reports the results of a run: as text while it runs, then as a JSON
// document. It converts documents to JUnit XML and Markdown, and compares several in a
// matrix.
package report

import (
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/known"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
)

// A Status is the outcome of a scenario, compared with the list of known failures.
type Status string

const (
	// Passed means that all checks passed.
	Passed Status = "pass"
	// Failed means an unmet MUST that is not a known failure.
	Failed Status = "FAIL"
	// Warned means an unmet SHOULD.
	Warned Status = "warn"
	// Known means a known failure.
	Known Status = "known"
	// Flaky means that the list allows the scenario to pass or fail.
	Flaky Status = "flaky"
	// UnexpectedPass means that a known failure passed.
	UnexpectedPass Status = "UNEXPECTED PASS"
	// NotImplemented means that the server does not declare the feature.
	NotImplemented Status = "not implemented"
	// NotApplicable means that the system lacks what the scenario needs.
	NotApplicable Status = "not applicable"
	// CouldNotTest means that the suite failed.
	CouldNotTest Status = "COULD NOT TEST"
)

// IsUnexpected reports whether the server or the list of known failures must be fixed.
func (s Status) IsUnexpected() bool { return s == Failed || s == UnexpectedPass }

// StatusOf returns the status of a result.
func StatusOf(r runner.Result) Status { return statusOf(r.Outcome, r.Known) }

func statusOf(outcome runner.Outcome, entry *known.Entry) Status {
	switch outcome {
	case runner.Pass, runner.Fail, runner.Warn:
	default:
		return Status(outcome)
	}
	switch {
	case entry == nil:
		return Status(outcome)
	case entry.Flaky:
		return Flaky
	case outcome == runner.Pass:
		return UnexpectedPass
	}
	return Known
}
