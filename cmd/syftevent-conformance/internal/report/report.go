// Package report writes down what a run has found: as text while it runs, and when
// it has ended as a JSON document, which keeps all of it, and from that document as
// JUnit's XML, as Markdown, and beside other documents as a matrix.
package report

import (
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/known"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
)

// A Status is what a result means to whoever reads it: the outcome, or how it
// compares with what is known of the server.
type Status string

const (
	// Passed: all checks held, as they should.
	Passed Status = "pass"
	// Failed: a MUST is not met, and nobody knew.
	Failed Status = "FAIL"
	// Warned: a SHOULD is not met.
	Warned Status = "warn"
	// Known: the scenario fails or warns as the list of known failures says.
	Known Status = "known"
	// Flaky: the list says that the scenario may pass or fail, and it did.
	Flaky Status = "flaky"
	// UnexpectedPass: the list says that the scenario fails, but it passes.
	UnexpectedPass Status = "UNEXPECTED PASS"
	// NotImplemented: the server does not declare the feature.
	NotImplemented Status = "not implemented"
	// NotApplicable: the system on which the suite runs lacks something.
	NotApplicable Status = "not applicable"
	// CouldNotTest: the suite itself failed.
	CouldNotTest Status = "COULD NOT TEST"
)

// IsUnexpected reports whether somebody has to do something about a result of this
// status: mend the server, or the list of what is known of it.
func (s Status) IsUnexpected() bool { return s == Failed || s == UnexpectedPass }

// StatusOf returns the status of a result.
func StatusOf(r runner.Result) Status { return statusOf(r.Outcome, r.Known) }

func statusOf(outcome runner.Outcome, entry *known.Entry) Status {
	switch outcome {
	case runner.Pass, runner.Fail, runner.Warn:
	default:
		return Status(outcome) // nothing was found that could have been known
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
