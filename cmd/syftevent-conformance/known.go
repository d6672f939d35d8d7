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
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/soak"
)

// readKnown reads the list of known failures. It returns nil without -known, and an
// empty list if the file is missing and -update-known is set.
func (f *runFlags) readKnown(all []scenario.Scenario) (*known.List, error) {
	if f.known == "" {
		return nil, nil
	}
	if _, err := os.Stat(f.known); f.updateKnown && errors.Is(err, fs.ErrNotExist) {
		return known.New(f.known), nil
	}
	list, err := known.Read(f.known, func(id string) bool {
		return slices.ContainsFunc(all, func(s scenario.Scenario) bool { return s.ID == id }) || slices.Contains(soak.Kinds(), id)
	})
	if err != nil {
		return nil, configError(err)
	}
	return list, nil
}

// updateKnown updates the list of known failures with the results of a run and prints
// the changes. It changes nothing unless every selected scenario was tested.
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
		fmt.Fprintln(stdout, "known failures not updated: some scenarios were not tested")
		return false, nil
	}
	changes := list.Update(findings)
	if len(changes) == 0 {
		fmt.Fprintln(stdout, "known failures are up to date")
		return true, nil
	}
	if err := list.Write(); err != nil {
		return false, err
	}
	fmt.Fprintf(stdout, "known failures updated: %s\n", strings.Join(changes, "; "))
	return true, nil
}

// reason returns a first reason for a known failure, for the user to improve.
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
