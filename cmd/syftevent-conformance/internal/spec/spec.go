// Package spec is the list of requirements that SPEC.md makes.
//
// SPEC.md cannot be embedded from here, so the list is: requirements.txt, which
// a test compares with SPEC.md and writes anew when it is run with -update.
package spec

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A Level says how much hangs on a requirement.
type Level string

// The levels, as RFC 2119 has them. The negative forms are the same level.
const (
	Must   Level = "MUST"
	Should Level = "SHOULD"
	May    Level = "MAY"
)

// A Requirement is one line of SPEC.md.
type Requirement struct {
	ID    string
	Level Level
	Class string // of conformance: core, routing, schema, cleanup or client
	Text  string
}

// Classes are the conformance classes.
var Classes = []string{"core", "routing", "schema", "cleanup", "client"}

//go:embed requirements.txt
var requirements string

var load = sync.OnceValue(func() []Requirement {
	list, err := parseLines(strings.Split(strings.TrimSpace(requirements), "\n"))
	if err != nil {
		panic("requirements.txt: " + err.Error()) // a test reads the same file
	}
	return list
})

// Requirements returns all requirements in the order of SPEC.md.
func Requirements() []Requirement { return slices.Clone(load()) }

// Find returns the requirement of an id.
func Find(id string) (Requirement, bool) {
	for _, r := range load() {
		if r.ID == id {
			return r, true
		}
	}
	return Requirement{}, false
}

var (
	// linePattern is a requirement line of SPEC.md.
	linePattern = regexp.MustCompile(`^- <a id="([a-z0-9-]+)"></a>\*\*\[([a-z0-9-]+)\]\*\* (.+) \*\(([a-z]+)\)\*$`)
	keyword     = regexp.MustCompile(`\b(MUST|SHOULD|MAY)\b`)
)

// Parse returns the requirements of the text of SPEC.md. A line that has an id
// but is not of the form of a requirement is an error.
func Parse(markdown string) ([]Requirement, error) {
	var lines []string
	for line := range strings.SplitSeq(markdown, "\n") {
		if strings.Contains(line, "**[") {
			lines = append(lines, line)
		}
	}
	return parseLines(lines)
}

func parseLines(lines []string) ([]Requirement, error) {
	var list []Requirement
	seen := map[string]bool{}
	for _, line := range lines {
		r, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("requirement %q: %w", line, err)
		}
		if seen[r.ID] {
			return nil, fmt.Errorf("requirement %s stands twice", r.ID)
		}
		seen[r.ID] = true
		list = append(list, r)
	}
	return list, nil
}

func parseLine(line string) (Requirement, error) {
	m := linePattern.FindStringSubmatch(line)
	if m == nil {
		return Requirement{}, fmt.Errorf(`want - <a id="ID"></a>**[ID]** TEXT *(CLASS)*`)
	}
	anchor, id, text, class := m[1], m[2], m[3], m[4]
	if anchor != id {
		return Requirement{}, fmt.Errorf("its anchor is %s", anchor)
	}
	if !slices.Contains(Classes, class) {
		return Requirement{}, fmt.Errorf("there is no class %s", class)
	}
	words := keyword.FindAllString(text, -1)
	if len(words) != 1 {
		return Requirement{}, fmt.Errorf("has %d key words, want one of MUST, SHOULD and MAY, once", len(words))
	}
	return Requirement{ID: id, Level: Level(words[0]), Class: class, Text: text}, nil
}
