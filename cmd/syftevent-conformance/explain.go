package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// explain prints a requirement, a scenario or a defect.
func explain(args []string, stdout io.Writer) error {
	words, err := parseFlags(newFlags("explain"), args)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return usageError("explain takes one ID, got %q", words)
	}
	id := words[0]
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
			fmt.Fprint(stdout, "\nScenario of the same name:\n\n")
		}
		explainScenario(stdout, s)
		return nil
	}
	defect, isDefect := mutant.Find(id)
	switch {
	case isRequirement:
	case isDefect:
		fmt.Fprintf(stdout, "%s: a server that %s\n\nViolates [%s]. Fails %s.\n",
			defect.Name, defect.What, defect.Requirement, strings.Join(defect.Breaks, ", "))
	default:
		return unknownName("requirement, scenario or defect", id, append(ids, defectNames(mutant.Defects)...))
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

func explainRequirement(w io.Writer, r spec.Requirement, all []scenario.Scenario) {
	fmt.Fprintf(w, "[%s] %s (%s)\n\n%s\n\nSPEC.md#%s\n", r.ID, r.Level, r.Class, r.Text, r.ID)
	covering := scenario.Covering(all, r.ID)
	if len(covering) == 0 {
		fmt.Fprintf(w, "\nNo scenario: %s.\n", scenario.WhyUntested(r))
		return
	}
	fmt.Fprint(w, "\nScenarios:\n")
	for _, s := range covering {
		fmt.Fprintf(w, "    %s  %s\n", s.ID, s.Summary)
	}
	if defects := mutant.For(r.ID); len(defects) > 0 {
		fmt.Fprint(w, "\nDefects that prove the test ('mutants NAME' runs them):\n")
		for _, d := range defects {
			fmt.Fprintf(w, "    %s  %s\n", d.Name, d.What)
		}
	}
}

func explainScenario(w io.Writer, s scenario.Scenario) {
	fmt.Fprintf(w, "%s: %s\n", s.ID, s.Summary)
	if len(s.Covers) == 0 {
		fmt.Fprintf(w, "    checks COMMAND: SPEC.md, Appendix A (%s)\n", s.Level())
	}
	for _, r := range s.Covers {
		fmt.Fprintf(w, "    covers [%s] %s (%s)\n", r.ID, r.Level, r.Class)
	}
	if s.Feature != "" {
		fmt.Fprintf(w, "    requires the feature %s\n", s.Feature)
	}
	fmt.Fprintf(w, "\n%s", s.Script)
}
