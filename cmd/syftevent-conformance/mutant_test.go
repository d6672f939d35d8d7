package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// The mutant server without a defect passes the scenarios that the reference passes.
func TestMutantWithoutDefectPasses(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"run", "-strict", "publish-*", "feature-*", "route-*"}, {"smoke"}} {
		status, stdout, stderr := judge(t, append(args, "--", self, "mutant", mutant.None)...)
		if status != exitOK {
			t.Errorf("%q: exit %d\n%s%s", args, status, stdout, stderr)
		}
	}
}

func TestMutantRefusesBadEnvironment(t *testing.T) {
	t.Setenv("SYFTEVENT_APP", "")
	if status, _, stderr := judge(t, "mutant", mutant.None); status != exitUsage || !strings.Contains(stderr, "SYFTEVENT_APP") {
		t.Errorf("exit %d\n%s", status, stderr)
	}
	for _, args := range [][]string{{"mutant"}, {"mutant", "no-such-defect"}, {"mutant", "half", "patient"}} {
		if status, _, stderr := judge(t, args...); status != exitUsage {
			t.Errorf("%q: exit %d\n%s", args, status, stderr)
		}
	}
}

func TestDefectsAreValid(t *testing.T) {
	scenarios, err := scenario.All()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{mutant.None: true}
	for _, d := range mutant.Defects {
		if seen[d.Name] {
			t.Errorf("duplicate defect %s", d.Name)
		}
		seen[d.Name] = true
		if r, ok := spec.Find(d.Requirement); !ok || r.Class == "client" {
			t.Errorf("defect %s: %q is not a server requirement", d.Name, d.Requirement)
		}
		if d.What == "" || len(d.Breaks) == 0 {
			t.Errorf("defect %s: What or Breaks is empty", d.Name)
		}
		for _, id := range d.Breaks {
			if !slices.Contains(ids(scenarios), id) {
				t.Errorf("defect %s: unknown scenario %q", d.Name, id)
			}
		}
	}
	for _, id := range vital {
		if !slices.Contains(ids(scenarios), id) {
			t.Errorf("vital: unknown scenario %q", id)
		}
	}
}

// A scenario that no defect breaks is not known to be able to fail.
func TestDefectsCoverScenariosAndRequirements(t *testing.T) {
	scenarios, err := scenario.All()
	if err != nil {
		t.Fatal(err)
	}
	broken := map[string]bool{}
	for _, d := range mutant.Defects {
		for _, id := range d.Breaks {
			broken[id] = true
		}
	}
	for _, s := range scenarios {
		if !broken[s.ID] {
			t.Errorf("no defect breaks the scenario %s", s.ID)
		}
	}
	for _, r := range spec.Requirements() {
		tested := r.Class != "client" && len(scenario.Covering(scenarios, r.ID)) > 0
		if tested && !proven(r, mutant.Defects) {
			t.Errorf("no defect violates %s", r.ID)
		}
	}
}
