// Package scenario is the list of scenarios and what their heads say.
package scenario

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// A Scenario is one script of the suite. Its head is the comment with which the
// script begins:
//
//	# A response appears under its name whole.
//	# covers: publish-whole
//	# feature: sum
//
// The line "feature" names what a server must declare for the scenario to
// apply; most scenarios have none.
type Scenario struct {
	// ID is the name of the file without ".txtar".
	ID string
	// Summary is the first line of the head.
	Summary string
	// Covers are the requirements that the scenario tests, all of one level.
	Covers []spec.Requirement
	// Feature is "" for none.
	Feature string
	// Script is the whole file.
	Script []byte

	level spec.Level // of one that covers nothing; "" for a MUST
}

// Level is that of the requirements that the scenario covers. One that covers none
// (see [Smoke]) is a MUST unless its head says otherwise.
func (s Scenario) Level() spec.Level {
	switch {
	case len(s.Covers) > 0:
		return s.Covers[0].Level
	case s.level != "":
		return s.level
	}
	return spec.Must
}

// Class is that of the first requirement that the scenario covers, "core" if it
// covers none.
func (s Scenario) Class() string {
	if len(s.Covers) == 0 {
		return "core"
	}
	return s.Covers[0].Class
}

// files holds the scenarios in "scripts", untestable.txt, and below "smoke" the scripts
// that check a server before the scenarios do.
//
//go:embed scripts
var files embed.FS

const suffix = ".txtar"

var load = sync.OnceValues(func() ([]Scenario, error) { return read("scripts/*"+suffix, parse) })

// read reads the scenarios of the files that a pattern means.
func read(pattern string, parse func(id string, script []byte) (Scenario, error)) ([]Scenario, error) {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		return nil, err
	}
	var list []Scenario
	for _, name := range names {
		script, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		s, err := parse(strings.TrimSuffix(path.Base(name), suffix), script)
		if err != nil {
			return nil, fmt.Errorf("scenario %s: %w", name, err)
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Scenario) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// All returns the scenarios in the order of their ids.
func All() ([]Scenario, error) {
	list, err := load()
	return slices.Clone(list), err
}

// Select returns the scenarios that one of the selectors means: the id of a
// scenario or of a requirement that it covers, or a pattern of ids such as
// "publish-*". No selectors mean all. A selector that means nothing is an
// error.
func Select(all []Scenario, selectors []string) ([]Scenario, error) {
	if len(selectors) == 0 {
		return all, nil
	}
	chosen := map[string]bool{}
	for _, selector := range selectors {
		found := false
		for _, s := range all {
			matched, err := s.matches(selector)
			if err != nil {
				return nil, fmt.Errorf("selector %q: %w", selector, err)
			}
			if matched {
				chosen[s.ID], found = true, true
			}
		}
		if r, known := spec.Find(selector); known && !found {
			return nil, fmt.Errorf("requirement %s has no scenario: %s", r.ID, WhyUntested(r))
		}
		if !found {
			return nil, fmt.Errorf("there is no command, scenario or requirement %q%s; 'syftevent-conformance list' shows the scenarios", selector, meant(all, selector))
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(s Scenario) bool { return !chosen[s.ID] }), nil
}

// meant asks whether another id was meant.
func meant(all []Scenario, selector string) string {
	var ids []string
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	if nearest := Nearest(selector, ids); len(nearest) > 0 {
		return " (did you mean " + strings.Join(nearest, ", ") + "?)"
	}
	return ""
}

// Covering returns the scenarios that cover a requirement.
func Covering(all []Scenario, requirement string) []Scenario {
	return slices.DeleteFunc(slices.Clone(all), func(s Scenario) bool {
		return !slices.ContainsFunc(s.Covers, func(r spec.Requirement) bool { return r.ID == requirement })
	})
}

// WhyUntested says why a requirement that no scenario covers has none.
func WhyUntested(r spec.Requirement) string {
	if reasons, err := Untestable(); err == nil && reasons[r.ID] != "" {
		return reasons[r.ID]
	}
	return fmt.Sprintf("it is a %s that is not tested yet", r.Level)
}

func (s Scenario) matches(selector string) (bool, error) {
	names := []string{s.ID}
	for _, r := range s.Covers {
		names = append(names, r.ID)
	}
	for _, name := range names {
		if matched, err := path.Match(selector, name); matched || err != nil {
			return matched, err
		}
	}
	return false, nil
}

// parse reads a script of the suite.
func parse(id string, script []byte) (Scenario, error) {
	s, err := parseHead(id, script)
	if err != nil {
		return s, err
	}
	if s.Summary == "" || len(s.Covers) == 0 || s.level != "" {
		return s, fmt.Errorf(`its head wants a summary and a line "# covers: ID", and no level`)
	}
	return s, nil
}

// parseHead reads the head of a script.
func parseHead(id string, script []byte) (Scenario, error) {
	s := Scenario{ID: id, Script: script}
	for line := range strings.SplitSeq(string(script), "\n") {
		text, ok := strings.CutPrefix(line, "# ")
		if !ok {
			break
		}
		switch name, value, isField := strings.Cut(text, ": "); {
		case isField && name == "covers":
			if err := s.cover(value); err != nil {
				return s, err
			}
		case isField && name == "feature":
			s.Feature = value
		case isField && name == "level":
			s.level = spec.Level(value)
		case s.Summary == "":
			s.Summary = text
		}
	}
	return s, nil
}

func (s *Scenario) cover(ids string) error {
	for id := range strings.SplitSeq(ids, ", ") {
		r, ok := spec.Find(id)
		if !ok {
			return fmt.Errorf("SPEC.md has no requirement %q", id)
		}
		s.Covers = append(s.Covers, r)
		if r.Level != s.Level() {
			return fmt.Errorf("it covers requirements of the levels %s and %s: one scenario cannot fail as both", s.Level(), r.Level)
		}
	}
	return nil
}

// Untestable returns why requirements cannot be tested, by their ids, from
// lines of the form "id: reason".
func Untestable() (map[string]string, error) {
	data, err := fs.ReadFile(files, "scripts/untestable.txt")
	if err != nil {
		return nil, err
	}
	reasons := map[string]string{}
	for line := range strings.SplitSeq(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, reason, ok := strings.Cut(line, ": ")
		if _, known := spec.Find(id); !ok || !known || reason == "" {
			return nil, fmt.Errorf("untestable.txt: %q is not of the form \"id: reason\" with an id of SPEC.md", line)
		}
		reasons[id] = reason
	}
	return reasons, nil
}
