package mutantclient

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// defectUse matches the code that depends on a defect.
var defectUse = regexp.MustCompile(`\.has\("([^"]*)"\)`)

// A defect with a misspelled name would change nothing.
func TestClientUsesEveryDefect(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range defectUse.FindAllStringSubmatch(string(source), -1) {
			used[found[1]] = true
		}
	}
	for _, d := range Defects {
		if !used[d.Name] {
			t.Errorf("the client never asks for defect %q", d.Name)
		}
		delete(used, d.Name)
	}
	for name := range used {
		t.Errorf("the client asks for defect %q, which is not in Defects", name)
	}
}

func TestNamesOfDefectsAreUnique(t *testing.T) {
	seen := map[string]bool{mutant.None: true}
	for _, d := range mutant.Defects {
		seen[d.Name] = true
	}
	for _, d := range Defects {
		if seen[d.Name] {
			t.Errorf("duplicate defect %s", d.Name)
		}
		seen[d.Name] = true
	}
}

func TestEveryRequirementHasADefect(t *testing.T) {
	for _, r := range spec.Requirements() {
		if r.Class == "client" && len(Defects.For(r.ID)) == 0 {
			t.Errorf("no defect violates %s", r.ID)
		}
	}
	for _, d := range Defects {
		if r, ok := spec.Find(d.Requirement); !ok || r.Class != "client" {
			t.Errorf("defect %s: %q is not a requirement of clients", d.Name, d.Requirement)
		}
		if d.What == "" {
			t.Errorf("defect %s: What is empty", d.Name)
		}
	}
}
