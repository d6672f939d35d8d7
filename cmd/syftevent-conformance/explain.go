package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// explain says all there is to say of a requirement, a scenario or a defect.
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
	defect, isDefect := mutant.Find(id)
	switch {
	case isRequirement:
	case isDefect:
		fmt.Fprintf(stdout, "%s: a server that %s\n\nIt violates [%s], and fails %s.\n",
			defect.Name, defect.What, defect.Requirement, strings.Join(defect.Breaks, ", "))
	default:
		return usageError("there is no requirement, scenario or wrong server %q%s", id, suggestion(id, ids))
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
	if defects := mutant.For(r.ID); len(defects) > 0 {
		fmt.Fprint(w, "\nWrong servers that prove it (mutants NAME):\n")
		for _, d := range defects {
			fmt.Fprintf(w, "    %s  %s\n", d.Name, d.What)
		}
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
