package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/known"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
)

// readKnown reads the list of known failures, nil if there is none. One that is to
// be written need not be there.
func (f *runFlags) readKnown(all []scenario.Scenario) (*known.List, error) {
	if f.known == "" {
		return nil, nil
	}
	if _, err := os.Stat(f.known); f.updateKnown && errors.Is(err, fs.ErrNotExist) {
		return known.New(f.known), nil
	}
	list, err := known.Read(f.known, func(id string) bool {
		return slices.ContainsFunc(all, func(s scenario.Scenario) bool { return s.ID == id })
	})
	if err != nil {
		return nil, &statusError{exitUsage, err}
	}
	return list, nil
}

// updateKnown writes the list of known failures anew by the results of the scenarios
// that were selected, and says what has changed. It does so only if each of them has
// passed or failed, or does not concern the server.
func updateKnown(list *known.List, results []runner.Result, selected int, stdout io.Writer) (updated bool, err error) {
	var findings []known.Finding
	tested := len(results) == selected
	for _, r := range results {
		tested = tested && r.Outcome != runner.CouldNotTest
		findings = append(findings, known.Finding{
			Scenario: r.Scenario.ID,
			Passed:   r.Outcome == runner.Pass,
			Failed:   r.Outcome == runner.Fail,
			Reason:   reason(r),
		})
	}
	if !tested {
		fmt.Fprintln(stdout, "The list of known failures was left as it is: not every scenario was tested.")
		return false, nil
	}
	changes := list.Update(findings)
	if len(changes) == 0 {
		fmt.Fprintln(stdout, "The list of known failures is right as it is.")
		return true, nil
	}
	if err := list.Write(); err != nil {
		return false, err
	}
	fmt.Fprintf(stdout, "The list of known failures was written: %s\n", strings.Join(changes, "; "))
	return true, nil
}

// reason says why a scenario failed, for somebody to say it better.
func reason(r runner.Result) string {
	if r.Failure == nil {
		return ""
	}
	var ids []string
	for _, requirement := range r.Scenario.Covers {
		ids = append(ids, requirement.ID)
	}
	return fmt.Sprintf("[%s] expected: %s; actual: %s", strings.Join(ids, ", "), r.Failure.Expected, r.Failure.Actual)
}
