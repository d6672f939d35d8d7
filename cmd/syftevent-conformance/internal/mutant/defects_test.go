package mutant

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// usesOfDefects are where the server asks whether it has a defect.
var usesOfDefects = regexp.MustCompile(`\.has\("([^"]*)"\)|\bcase ((?:"[a-z0-9-]+",? ?)+):`)

// A name that is misspelt would be a defect that changes nothing.
func TestDefectsAreThoseOfTheServer(t *testing.T) {
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
		for _, found := range usesOfDefects.FindAllStringSubmatch(string(source), -1) {
			for defect := range strings.SplitSeq(found[1]+found[2], ", ") {
				used[strings.Trim(defect, `"`)] = true
			}
		}
	}
	for _, d := range Defects {
		if !used[d.Name] {
			t.Errorf("defect %s: the server never asks whether it has it", d.Name)
		}
		delete(used, d.Name)
	}
	for name := range used {
		t.Errorf("the server asks for a defect %q, which Defects lacks", name)
	}
}

func TestFind(t *testing.T) {
	if d, ok := Find("half"); !ok || d.Requirement != "read-whole" {
		t.Errorf("half: %+v, %v", d, ok)
	}
	if d, ok := Find(None); ok {
		t.Errorf("%+v", d)
	}
	var names []string
	for _, d := range For("read-whole") {
		names = append(names, d.Name)
	}
	if got := strings.Join(names, " "); got != "half impatient" {
		t.Errorf("read-whole: %s", got)
	}
	if got := For("no-such-id"); len(got) > 0 {
		t.Errorf("%v", got)
	}
}
