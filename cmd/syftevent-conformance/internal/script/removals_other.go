//go:build !linux

package script

import (
	"os"
	"slices"
)

// removals lists the files that were removed from a folder, in the order in which they were
// found missing. If both files of a pair were removed between two listings, the request
// counts as removed first: the server has the benefit of the doubt.
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
	entries, err := readDir(r.folder)
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
