// Package spec lists the requirements of SPEC.md.
//
// It embeds requirements.txt, because SPEC.md is outside of the package's folder. A test
// compares the two, and updates the list if it runs with -update.
package spec

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A Level is the level of a requirement, as in RFC 2119.
type Level string

// The levels. MUST NOT and SHOULD NOT have the levels Must and Should.
const (
	Must   Level = "MUST"
	Should Level = "SHOULD"
	May    Level = "MAY"
)

// A Requirement is one line of SPEC.md.
type Requirement struct {
	ID    string
	Level Level
	Class string // the conformance class, one of Classes
	Text  string
}

// Classes lists the conformance classes.
var Classes = []string{"core", "routing", "schema", "cleanup", "encryption", "workers", "client"}

//go:embed requirements.txt
var requirements string

var load = sync.OnceValue(func() []Requirement {
	list, err := parseLines(strings.Split(strings.TrimSpace(requirements), "\n"))
	if err != nil {
		panic("requirements.txt: " + err.Error()) // a test parses the same file
	}
	return list
})

// Requirements returns all requirements in the order of SPEC.md.
func Requirements() []Requirement { return slices.Clone(load()) }

// Find returns the requirement with an id, and whether it exists.
func Find(id string) (Requirement, bool) {
	for _, r := range load() {
		if r.ID == id {
			return r, true
		}
	}
	return Requirement{}, false
}

var (
	// linePattern matches a requirement in SPEC.md.
	linePattern = regexp.MustCompile(`^- <a id="([a-z0-9-]+)"></a>\*\*\[([a-z0-9-]+)\]\*\* (.+) \*\(([a-z]+)\)\*$`)
	keyword     = regexp.MustCompile(`\b(MUST|SHOULD|MAY)\b`)
)

// Parse returns the requirements in the text of SPEC.md. It returns an error if a line has
// an id but not the form of a requirement.
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
			return nil, fmt.Errorf("requirement %s exists twice", r.ID)
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
		return Requirement{}, fmt.Errorf("anchor is %s, want %s", anchor, id)
	}
	if !slices.Contains(Classes, class) {
		return Requirement{}, fmt.Errorf("unknown class %s", class)
	}
	words := keyword.FindAllString(text, -1)
	if len(words) != 1 {
		return Requirement{}, fmt.Errorf("%d key words, want one of MUST, SHOULD and MAY, once", len(words))
	}
	return Requirement{ID: id, Level: Level(words[0]), Class: class, Text: text}, nil
}
