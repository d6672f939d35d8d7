package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// listFlags is the command line of list.
type listFlags struct{ json, requirements bool }

func (f *listFlags) define(flags *flag.FlagSet) {
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.BoolVar(&f.requirements, "requirements", false, "list requirements instead of scenarios")
}

// list prints the scenarios or the requirements.
func list(args []string, stdout io.Writer) error {
	var f listFlags
	words, err := parseFlags(cmdline.NewFlags("list", f.define), args)
	if err != nil {
		return err
	}
	if err := noWords("list", words); err != nil {
		return err
	}
	scenarios, err := scenario.All()
	if err != nil {
		return err
	}
	switch {
	case f.requirements && f.json:
		return writeJSON(stdout, requirementList(scenarios))
	case f.requirements:
		return printRequirements(stdout, requirementList(scenarios))
	case f.json:
		return writeJSON(stdout, scenarioList(scenarios))
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tLEVEL\tCLASS\tFEATURE\tSUMMARY")
	for _, s := range scenarios {
		feature := s.Feature
		if feature == "" {
			feature = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.ID, s.Level(), s.Class(), feature, s.Summary)
	}
	return w.Flush()
}

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// A listedScenario is a scenario in the output of list -json.
type listedScenario struct {
	ID      string     `json:"id"`
	Level   spec.Level `json:"level"`
	Class   string     `json:"class"`
	Feature string     `json:"feature,omitempty"`
	Covers  []string   `json:"covers"`
	Summary string     `json:"summary"`
}

func scenarioList(scenarios []scenario.Scenario) []listedScenario {
	var list []listedScenario
	for _, s := range scenarios {
		listed := listedScenario{ID: s.ID, Level: s.Level(), Class: s.Class(), Feature: s.Feature, Summary: s.Summary}
		for _, r := range s.Covers {
			listed.Covers = append(listed.Covers, r.ID)
		}
		list = append(list, listed)
	}
	return list
}

// A listedRequirement is a requirement in the output of list -requirements -json.
type listedRequirement struct {
	ID        string     `json:"id"`
	Level     spec.Level `json:"level"`
	Class     string     `json:"class"`
	Text      string     `json:"text"`
	Scenarios []string   `json:"scenarios"`
	// Untested is the reason why the requirement has no scenario.
	Untested string `json:"untested,omitempty"`
}

func requirementList(scenarios []scenario.Scenario) []listedRequirement {
	var list []listedRequirement
	for _, r := range spec.Requirements() {
		listed := listedRequirement{ID: r.ID, Level: r.Level, Class: r.Class, Text: r.Text, Scenarios: []string{}}
		listed.Scenarios = append(listed.Scenarios, ids(scenario.Covering(scenarios, r.ID))...)
		if len(listed.Scenarios) == 0 {
			listed.Untested = scenario.WhyUntested(r)
		}
		list = append(list, listed)
	}
	return list
}

func printRequirements(stdout io.Writer, list []listedRequirement) error {
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tLEVEL\tCLASS\tSCENARIOS")
	for _, r := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\n", r.ID, r.Level, r.Class, len(r.Scenarios))
	}
	return w.Flush()
}
