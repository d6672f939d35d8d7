package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
)

// vectorPaths is the value of the flag -vectors: files of vectors, and folders of them.
type vectorPaths []string

// String returns the paths as Set accepts them.
func (p *vectorPaths) String() string { return strings.Join(*p, string(filepath.ListSeparator)) }

// Set adds a path, or several of them like those in $PATH.
func (p *vectorPaths) Set(value string) error {
	*p = append(*p, filepath.SplitList(value)...)
	return nil
}

// scenarios returns a scenario for each file.
func (p vectorPaths) scenarios() (list []scenario.Scenario, err error) {
	files, err := p.files()
	if err != nil {
		return nil, err
	}
	from := map[string]string{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, configError(fmt.Errorf("read vectors: %w", err))
		}
		s, err := scenario.OfVectors(name, data)
		if err != nil {
			return nil, configError(err)
		}
		if other := from[s.ID]; other != "" {
			return nil, configError(fmt.Errorf("vectors %s and %s have the same id, %s", other, name, s.ID))
		}
		from[s.ID] = name
		list = append(list, s)
	}
	return list, nil
}

// files returns the files. A schema beside them is none of them.
func (p vectorPaths) files() (files []string, err error) {
	for _, name := range p {
		info, err := os.Stat(name)
		if err != nil {
			return nil, configError(fmt.Errorf("read vectors: %w", err))
		}
		if !info.IsDir() {
			files = append(files, name)
			continue
		}
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, configError(fmt.Errorf("read vectors: %w", err))
		}
		before := len(files)
		for _, entry := range entries {
			if base := entry.Name(); strings.HasSuffix(base, ".json") && !strings.HasSuffix(base, ".schema.json") {
				files = append(files, filepath.Join(name, base))
			}
		}
		if len(files) == before {
			return nil, configError(fmt.Errorf("read vectors: folder %s has no *.json", name))
		}
	}
	return files, nil
}

// withVectors adds the scenarios of -vectors to those of the suite, in place of those with
// the same id. If no scenario is named, only the added ones are to run.
func (f *runFlags) withVectors(suite []scenario.Scenario) (all []scenario.Scenario, selectors []string, err error) {
	added, err := f.vectors.scenarios()
	if err != nil {
		return nil, nil, err
	}
	selectors = f.selectors
	if len(selectors) == 0 {
		selectors = ids(added)
	}
	all = slices.DeleteFunc(slices.Clone(suite), func(s scenario.Scenario) bool { return slices.Contains(ids(added), s.ID) })
	return append(all, added...), selectors, nil
}
