// Package scenario holds the scenarios of the suite and parses their heads.
package scenario

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// A Scenario is one script of the suite. Its head is the comment at the beginning of the
// script:
//
//	# The handler receives a JSON body, and the client its JSON result.
//	# covers: proc-faithful
//	# feature: sum
//	# reuse: yes
//
// "covers" lists the requirements that the scenario tests. "feature" is the feature that
// a server must declare for the scenario to apply; most scenarios need none. "reuse" says
// whether the scenario may use a server that has served other scenarios; the default is
// no. Such a scenario starts the server in its first line, and then only sends requests
// and checks the responses. "observed" says whether the invariants are checked while the scenario
// runs; the default is yes, and no is for scenarios that write responses themselves.
//
// "role" is the role that it tests, server or client; the default is server.
//
// "beside" says whether the scenario only waits most of the time; with yes, it runs beside the
// others from the beginning, and does not count as one of those that run at once.
//
// A scenario with "always: yes" is an invariant: it has no script, and is checked while the others
// run.
type Scenario struct {
	// ID is the name of the script file without ".txtar".
	ID string
	// Summary is the first line of the head.
	Summary string
	// Covers lists the requirements that the scenario tests. They have the same level.
	Covers []spec.Requirement
	// Role is the role that the scenario tests.
	Role target.Role
	// Feature is the feature that the scenario needs, "" for none.
	Feature string
	// Reuse reports whether the scenario may share its server.
	Reuse bool
	// Beside reports whether the scenario runs beside others from the beginning.
	Beside bool
	// Always reports whether the scenario is an invariant, and Unobserved whether invariants are
	// not checked while it runs.
	Always, Unobserved bool
	// Script is the content of the script file.
	Script []byte

	level spec.Level // of a scenario that covers nothing; "" for a MUST
}

// Level returns the level of the requirements that the scenario covers. A scenario that
// covers none (see [Smoke]) is a MUST unless its head says otherwise.
func (s Scenario) Level() spec.Level {
	switch {
	case len(s.Covers) > 0:
		return s.Covers[0].Level
	case s.level != "":
		return s.level
	}
	return spec.Must
}

// Class returns the class of the first requirement that the scenario covers, or "core"
// if it covers none.
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

// read reads the scenarios in the files that match a pattern.
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

// Of returns the scenarios of a role.
func Of(role target.Role, all []Scenario) []Scenario {
	return slices.DeleteFunc(slices.Clone(all), func(s Scenario) bool { return s.Role != role })
}

// Select returns the scenarios that match one of the selectors. A selector is the id of
// a scenario, the id of a requirement, or a pattern of ids such as "publish-*". Without
// selectors Select returns all scenarios. It returns an error if a selector matches
// nothing.
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
		if role, ok := roleOf(selector); ok && !found {
			return nil, fmt.Errorf("%s is for a %s: give -role %s", selector, role, role)
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

// roleOf returns the role of the scenarios that match a selector, of all that there are.
func roleOf(selector string) (target.Role, bool) {
	all, err := load()
	if err != nil {
		return "", false
	}
	for _, s := range all {
		if matched, err := s.matches(selector); matched && err == nil {
			return s.Role, true
		}
	}
	return "", false
}

// meant suggests ids that are similar to an unknown selector.
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

// WhyUntested returns the reason why no scenario covers a requirement.
func WhyUntested(r spec.Requirement) string {
	if reasons, err := Untestable(); err == nil && reasons[r.ID] != "" {
		return reasons[r.ID]
	}
	return fmt.Sprintf("this %s is not tested yet", r.Level)
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

// parse parses a script that covers requirements.
func parse(id string, script []byte) (Scenario, error) {
	s, err := parseHead(id, script)
	if err != nil {
		return s, err
	}
	if s.Role != target.Server && s.Role != target.Client {
		return s, fmt.Errorf("role is %q, want server or client", s.Role)
	}
	for _, r := range s.Covers {
		if (r.Class == "client") != (s.Role == target.Client) {
			return s, fmt.Errorf("it tests a %s, and covers %s of class %s", s.Role, r.ID, r.Class)
		}
	}
	if s.Summary == "" || len(s.Covers) == 0 || s.level != "" {
		return s, errors.New(`the head must have a summary and a line "# covers: ID", and no level`)
	}
	for line := range strings.Lines(string(script)) {
		if s.Always && !strings.HasPrefix(line, "# ") {
			return s, errors.New("an invariant must have no commands")
		}
	}
	return s, nil
}

// parseHead parses the head of a script.
func parseHead(id string, script []byte) (Scenario, error) {
	s := Scenario{ID: id, Script: script, Role: target.Server}
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
		case isField && name == "role":
			s.Role = target.Role(value)
		case isField && (name == "reuse" || name == "always" || name == "observed" || name == "beside"):
			if value != "yes" && value != "no" {
				return s, fmt.Errorf("%s is %q, want yes or no", name, value)
			}
			switch yes := value == "yes"; name {
			case "reuse":
				s.Reuse = yes
			case "always":
				s.Always = yes
			case "beside":
				s.Beside = yes
			case "observed":
				s.Unobserved = !yes
			}
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
			return fmt.Errorf("the requirements have different levels, %s and %s", s.Level(), r.Level)
		}
	}
	return nil
}

// Untestable returns the reasons why requirements have no scenario, by requirement id.
// They are the lines "id: reason" of untestable.txt.
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
			return nil, fmt.Errorf("untestable.txt: line %q is not \"id: reason\" with an id of SPEC.md", line)
		}
		reasons[id] = reason
	}
	return reasons, nil
}
