package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// mutantsOf returns the names of the wrong servers that break a requirement, nil if
// there are none.
var mutantsOf = func(requirement string) []string {
	var names []string
	for _, d := range mutant.For(requirement) {
		names = append(names, d.Name)
	}
	return names
}

// explain says all there is to say of a requirement or a scenario.
func explain(args []string, stdout io.Writer) error {
	if len(args) != 1 {
		return usageError("explain wants one ID, not %d", len(args))
	}
	id := args[0]
	if id == "-h" || id == "-help" || id == "--help" {
		return errHelp
	}
	scenarios, err := scenario.All()
	if err != nil {
		return err
	}
	smoke, err := scenario.Smoke()
	if err != nil {
		return err
	}
	requirement, isRequirement := spec.Find(id)
	if isRequirement {
		explainRequirement(stdout, requirement, scenarios)
	}
	ids := requirementIDs()
	for _, s := range append(scenarios, smoke...) {
		if ids = append(ids, s.ID); s.ID != id {
			continue
		}
		if isRequirement {
			fmt.Fprint(stdout, "\nThe scenario of the same name:\n\n")
		}
		explainScenario(stdout, s)
		return nil
	}
	if !isRequirement {
		return usageError("there is no requirement or scenario %q%s", id, suggestion(id, ids))
	}
	return nil
}

func requirementIDs() []string {
	var ids []string
	for _, r := range spec.Requirements() {
		ids = append(ids, r.ID)
	}
	return ids
}

// suggestion asks whether another id was meant.
func suggestion(id string, ids []string) string {
	nearest := scenario.Nearest(id, ids)
	if len(nearest) == 0 {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", strings.Join(nearest, ", "))
}

func explainRequirement(w io.Writer, r spec.Requirement, all []scenario.Scenario) {
	fmt.Fprintf(w, "[%s] %s (%s)\n\n%s\n\nSPEC.md#%s\n", r.ID, r.Level, r.Class, r.Text, r.ID)
	covering := scenario.Covering(all, r.ID)
	if len(covering) == 0 {
		fmt.Fprintf(w, "\nIt has no scenario: %s.\n", scenario.WhyUntested(r))
		return
	}
	fmt.Fprint(w, "\nScenarios:\n")
	for _, s := range covering {
		fmt.Fprintf(w, "    %s  %s\n", s.ID, s.Summary)
	}
	if mutants := mutantsOf(r.ID); len(mutants) > 0 {
		fmt.Fprintf(w, "\nMutants that break it: %s\n", strings.Join(mutants, ", "))
	}
}

func explainScenario(w io.Writer, s scenario.Scenario) {
	fmt.Fprintf(w, "%s: %s\n", s.ID, s.Summary)
	if len(s.Covers) == 0 {
		fmt.Fprintf(w, "    asked of an adapter: SPEC.md, Appendix A (%s)\n", s.Level())
	}
	for _, r := range s.Covers {
		fmt.Fprintf(w, "    covers [%s] %s (%s)\n", r.ID, r.Level, r.Class)
	}
	if s.Feature != "" {
		fmt.Fprintf(w, "    for servers that declare the feature %s\n", s.Feature)
	}
	fmt.Fprintf(w, "\n%s", s.Script)
}
