package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/known"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/soak"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

func readTop(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(top, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func scenarioIDs(t *testing.T) []string {
	t.Helper()
	all, err := scenario.All()
	if err != nil {
		t.Fatal(err)
	}
	return ids(all)
}

// libraryTests are the names of the library's tests.
func libraryTests(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("go", "test", "-list", "^Test", "./syftevent/...")
	cmd.Dir = top
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing the library's tests: %v", err)
	}
	return strings.Fields(string(out))
}

var (
	difference = regexp.MustCompile(`(?m)^\| (B[0-9]+) \| (.+) \| (.+) \|$`)
	inCode     = regexp.MustCompile("`([^`]+)`")
	testName   = regexp.MustCompile(`\bTest[A-Z][A-Za-z]+`)
)

// Each defect of the Python package has a line in SPEC.md, and the evidence that the line
// names exists.
func TestDifferencesAreShown(t *testing.T) {
	scenarios, tests := scenarioIDs(t), libraryTests(t)
	var seen []string
	for _, row := range difference.FindAllStringSubmatch(readTop(t, "SPEC.md"), -1) {
		seen = append(seen, row[1])
		proofs := inCode.FindAllStringSubmatch(row[3], -1)
		if len(proofs) == 0 {
			t.Errorf("%s names no proof: %s", row[1], row[3])
		}
		for _, proof := range proofs {
			if !slices.Contains(scenarios, proof[1]) && !slices.Contains(tests, proof[1]) {
				t.Errorf("%s names %s, which is no scenario and no test of the library", row[1], proof[1])
			}
		}
	}
	want := []string{"B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B9", "B10", "B11", "B12", "B13", "B14", "B15", "B16", "B17", "B18"}
	if !slices.Equal(seen, want) {
		t.Errorf("differences %v, want %v", seen, want)
	}
}

// The tests that untestable.txt names exist.
func TestUntestableNamesTests(t *testing.T) {
	tests := libraryTests(t)
	reasons, err := scenario.Untestable()
	if err != nil || len(reasons) == 0 {
		t.Fatalf("%v, %v", reasons, err)
	}
	for id, reason := range reasons {
		named := testName.FindAllString(reason, -1)
		if len(named) == 0 {
			t.Errorf("%s names no test: %s", id, reason)
		}
		for _, name := range named {
			if !slices.Contains(tests, name) {
				t.Errorf("%s names %s, which is no test of the library", id, name)
			}
		}
	}
}

// Scenarios send the example requests of SPEC.md, byte for byte.
func TestExamplesOfTheSpecAreSent(t *testing.T) {
	sent := readTop(t, "cmd/syftevent-conformance/internal/scenario/scripts/envelope-examples.txtar") + readTop(t, "cmd/syftevent-conformance/internal/scenario/scripts/envelope-invalid.txtar")
	blocks := regexp.MustCompile("(?m)^```json request(?: invalid)?\n(.+)\n```$").FindAllStringSubmatch(readTop(t, "SPEC.md"), -1)
	if len(blocks) < 5 {
		t.Errorf("%d examples of requests in SPEC.md", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(sent, " --\n"+block[1]+"\n") {
			t.Errorf("no scenario has the example %s", block[1])
		}
	}
}

// Each known failure of the Python package names a difference listed in SPEC.md, or the
// requirement.
func TestKnownFailuresNameTheirReason(t *testing.T) {
	const file = "testdata/targets/python/known.txt"
	scenarios := append(scenarioIDs(t), soak.Kinds()...)
	list, err := known.Read(filepath.Join(top, file), func(id string) bool { return slices.Contains(scenarios, id) })
	if err != nil {
		t.Fatal(err)
	}
	reason := regexp.MustCompile(`^(?:(B[0-9]+)|\[([a-z-]+)\]): `)
	differences, seen := readTop(t, "SPEC.md"), 0
	for _, id := range scenarios {
		entry := list.Entry(id)
		if entry == nil {
			continue
		}
		seen++
		m := reason.FindStringSubmatch(entry.Reason)
		switch {
		case m == nil:
			t.Errorf("%s: the reason of %s names neither a difference nor a requirement: %s", file, entry.Scenario, entry.Reason)
		case m[1] != "" && !strings.Contains(differences, "\n| "+m[1]+" | "):
			t.Errorf("%s: SPEC.md has no difference %s", file, m[1])
		case m[2] != "":
			if _, exists := spec.Find(m[2]); !exists {
				t.Errorf("%s: SPEC.md has no requirement %s", file, m[2])
			}
		}
	}
	if seen == 0 {
		t.Errorf("%s lists nothing", file)
	}
}
