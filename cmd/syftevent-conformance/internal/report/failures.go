package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/terminal"
)

// maxFailureText limits the text of a failure in the summary, in characters.
const maxFailureText = 160

// writeFailures writes the failures by requirement, each with the next steps.
func (t *Text) writeFailures() {
	groups := t.failures()
	if len(groups) == 0 {
		return
	}
	fmt.Fprintf(t.Out, "\n%s\n", t.Screen.Paint(terminal.Red, "Failures by requirement:"))
	for _, g := range groups {
		fmt.Fprintf(t.Out, "\n  [%s] %s\n", g.requirement.ID, g.requirement.Text)
		for _, r := range g.results {
			text := shorten(newScenario(r, t.Reproduce).failureText(), maxFailureText)
			fmt.Fprintf(t.Out, "      %s: %s\n", t.Screen.Paint(terminal.Red, r.Scenario.ID), text)
		}
		fmt.Fprintf(t.Out, "      usual causes:          %s\n", fmt.Sprintf(t.Explain, g.requirement.ID))
		heading := "line for -known FILE:  "
		for _, r := range g.results {
			fmt.Fprintf(t.Out, "      %s%s  # REASON\n", heading, r.Scenario.ID)
			heading = strings.Repeat(" ", len(heading))
		}
	}
	fmt.Fprint(t.Out, "\n-known FILE expects the failures that FILE lists; -update-known writes the lines.\n")
}

// A failureGroup holds the failed scenarios whose first requirement is the same.
type failureGroup struct {
	requirement spec.Requirement
	results     []runner.Result // by scenario
}

// failures returns the failures by requirement: each MUST, then the others, in the order of
// SPEC.md.
func (t *Text) failures() (groups []failureGroup) {
	for _, r := range t.results {
		if StatusOf(r) != Failed {
			continue
		}
		var first spec.Requirement
		if len(r.Scenario.Covers) > 0 {
			first = r.Scenario.Covers[0]
		}
		i := slices.IndexFunc(groups, func(g failureGroup) bool { return g.requirement.ID == first.ID })
		if i < 0 {
			i, groups = len(groups), append(groups, failureGroup{requirement: first})
		}
		groups[i].results = append(groups[i].results, r)
	}
	all := spec.Requirements()
	rank := func(r spec.Requirement) int {
		rank := slices.IndexFunc(all, func(other spec.Requirement) bool { return other.ID == r.ID })
		if r.Level != spec.Must {
			rank += len(all)
		}
		return rank
	}
	slices.SortStableFunc(groups, func(a, b failureGroup) int { return cmp.Compare(rank(a.requirement), rank(b.requirement)) })
	for _, g := range groups {
		slices.SortFunc(g.results, func(a, b runner.Result) int { return cmp.Compare(a.Scenario.ID, b.Scenario.ID) })
	}
	return groups
}

// shorten cuts a text to a number of characters.
func shorten(text string, limit int) string {
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return text
}
