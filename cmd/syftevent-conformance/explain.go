package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/advice"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutantclient"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// explain prints a requirement, a scenario or a defect.
func explain(args []string, stdout io.Writer) error {
	words, err := parseFlags(cmdline.NewFlags("explain"), args)
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
		for _, r := range s.Covers {
			if r.ID != requirement.ID {
				explainCauses(stdout, fmt.Sprintf("Usual causes of failures of [%s]", r.ID), r.ID)
			}
		}
		return nil
	}
	defect, ofServer := mutant.Defects.Find(id)
	ofClient := false
	if !ofServer {
		defect, ofClient = mutantclient.Defects.Find(id)
	}
	switch {
	case isRequirement:
	case ofServer:
		explainDefect(stdout, "server", defect)
	case ofClient:
		explainDefect(stdout, "client", defect)
	default:
		ids = slices.Concat(ids, defectNames(mutant.Defects), defectNames(mutantclient.Defects))
		return unknownName("requirement, scenario or defect", id, ids)
	}
	return nil
}

func explainDefect(w io.Writer, role string, d mutant.Defect) {
	fmt.Fprintf(w, "%s: a %s that %s\n\nViolates [%s].", d.Name, role, d.What, d.Requirement)
	if len(d.Breaks) > 0 {
		fmt.Fprintf(w, " Fails %s.", strings.Join(d.Breaks, ", "))
	}
	fmt.Fprintln(w)
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
	explainCauses(w, "Usual causes of failures", r.ID)
	covering := scenario.Covering(all, r.ID)
	if len(covering) == 0 {
		fmt.Fprintf(w, "\nNo scenario: %s.\n", scenario.WhyUntested(r))
		return
	}
	fmt.Fprint(w, "\nScenarios:\n")
	for _, s := range covering {
		fmt.Fprintf(w, "    %s  %s\n", s.ID, s.Summary)
	}
	if defects := slices.Concat(mutant.Defects.For(r.ID), mutantclient.Defects.For(r.ID)); len(defects) > 0 {
		command := "mutants NAME"
		if r.Class == "client" {
			command = "mutants -role client NAME"
		}
		fmt.Fprintf(w, "\nDefects that prove the test ('%s' runs them):\n", command)
		for _, d := range defects {
			fmt.Fprintf(w, "    %s  %s\n", d.Name, d.What)
		}
	}
}

// explainCauses prints the usual causes why a server does not meet a requirement, if any
// are known.
func explainCauses(w io.Writer, heading, requirement string) {
	causes := advice.Causes(requirement)
	if causes == nil {
		return
	}
	fmt.Fprintf(w, "\n%s:\n", heading)
	for _, cause := range causes {
		fmt.Fprintf(w, "  - %s\n", strings.Join(cmdline.Wrap(cause, 76), "\n    "))
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
