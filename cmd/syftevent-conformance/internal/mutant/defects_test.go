package mutant

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// defectUse matches the code that depends on a defect.
var defectUse = regexp.MustCompile(`\.has\("([^"]*)"\)|\bcase ((?:"[a-z0-9-]+",? ?)+):`)

// A defect with a misspelled name would change nothing.
func TestServerUsesEveryDefect(t *testing.T) {
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
			for name := range strings.SplitSeq(found[1]+found[2], ", ") {
				used[strings.Trim(name, `"`)] = true
			}
		}
	}
	for _, d := range Defects {
		if !used[d.Name] {
			t.Errorf("the server never asks for defect %q", d.Name)
		}
		delete(used, d.Name)
	}
	for name := range used {
		t.Errorf("the server asks for defect %q, which is not in Defects", name)
	}
}

func TestFind(t *testing.T) {
	if d, ok := Defects.Find("half"); !ok || d.Requirement != "read-whole" {
		t.Errorf("Find(half) = %+v, %v", d, ok)
	}
	if d, ok := Defects.Find(None); ok {
		t.Errorf("Find(None) = %+v", d)
	}
	var names []string
	for _, d := range Defects.For("read-whole") {
		names = append(names, d.Name)
	}
	if got := strings.Join(names, " "); got != "half impatient last-brace counts-braces settles-by-file settles-by-size" {
		t.Errorf("For(read-whole) = %s", got)
	}
	if got := Defects.For("no-such-id"); len(got) > 0 {
		t.Errorf("For(no-such-id) = %v", got)
	}
}
