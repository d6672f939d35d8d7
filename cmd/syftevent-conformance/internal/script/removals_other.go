//go:build !linux

package script

import (
	"os"
	"slices"
)

// removals are the files that were removed from a folder, in the order in which they
// were seen to be missing. Of two that were removed between two looks the request
// comes first: nobody is accused of what was not seen.
type removals struct {
	folder string
	there  []string
	seen   []string
}

func watchRemovals(folder string) (*removals, error) {
	r := &removals{folder: folder}
	var err error
	r.there, err = r.list()
	return r, err
}

func (r *removals) close() {}

func (r *removals) list() ([]string, error) {
	entries, err := os.ReadDir(r.folder)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var names []string
	for _, entry := range entries { // sorted: ".request" before ".response"
		names = append(names, entry.Name())
	}
	return names, nil
}

func (r *removals) names() ([]string, error) {
	now, err := r.list()
	if err != nil {
		return nil, err
	}
	for _, name := range r.there {
		if !slices.Contains(now, name) {
			r.seen = append(r.seen, name)
		}
	}
	r.there = now
	return r.seen, nil
}
