package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// The mutant server without a defect passes the scenarios that the reference passes.
func TestMutantWithoutDefectPasses(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// With the race detector on a busy machine, a server takes long for requests of 3 MB.
	for _, args := range [][]string{{"run", "-timescale=4", "-strict", "publish-*", "feature-*", "route-*"}, {"smoke", "-timescale=4"}} {
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

func TestMutantClientRefusesBadArguments(t *testing.T) {
	t.Setenv("SYFTEVENT_ROLE", "client")
	t.Setenv("SYFTBOX_CLIENT_CONFIG_PATH", "no-such-file")
	for name, want := range map[string]string{
		mutant.None:     "no-such-file",
		"never-resends": "no-such-file",
		"never-resent":  "(did you mean never-resends?)",
		"half":          `unknown defect "half"`,
	} {
		status, _, stderr := judge(t, "mutant", name)
		if status != exitUsage {
			t.Errorf("%s: exit %d", name, status)
		}
		contains(t, name, stderr, want)
	}
}

func TestDefectsAreValid(t *testing.T) {
	scenarios, err := scenario.All()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{mutant.None: true}
	for role, table := range tables {
		known := ids(scenario.Of(role, scenarios))
		for _, d := range table {
			if seen[d.Name] {
				t.Errorf("duplicate defect %s", d.Name)
			}
			seen[d.Name] = true
			if r, ok := spec.Find(d.Requirement); !ok || (r.Class == "client") != (role == target.Client) {
				t.Errorf("defect %s: %q is not a requirement of a %s", d.Name, d.Requirement, role)
			}
			if d.What == "" || (len(d.Breaks) == 0) != d.Soak {
				t.Errorf("defect %s: What or Breaks is empty", d.Name)
			}
			for _, id := range d.Breaks {
				if !slices.Contains(known, id) {
					t.Errorf("defect %s: unknown scenario %q", d.Name, id)
				}
			}
		}
	}
	for _, id := range slices.Concat(vital[target.Server], busy[target.Server], vital[target.Client], busy[target.Client]) {
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
	defects := slices.Concat(tables[target.Server], tables[target.Client])
	for _, d := range defects {
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
		if len(scenario.Covering(scenarios, r.ID)) > 0 && !proven(r, defects) {
			t.Errorf("no defect violates %s", r.ID)
		}
	}
}
