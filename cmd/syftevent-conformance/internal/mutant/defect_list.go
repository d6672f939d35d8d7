package mutant

import (
	"errors"
	"io"
	"os"
	"slices"
)

// listSome lists the first names of a directory only.
func (s *server) listSome(dir string) ([]os.DirEntry, error) {
	f, err := os.Open(s.path(dir))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(1024)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return entries, err
}

// listCached lists a directory until it has seen a sender's folder in it.
func (s *server) listCached(dir string) ([]os.DirEntry, error) {
	if known, ok := s.listings[dir]; ok {
		return known, nil
	}
	entries, err := os.ReadDir(s.path(dir))
	if slices.ContainsFunc(entries, func(entry os.DirEntry) bool { return entry.IsDir() && s.isAddress(entry.Name()) }) {
		s.listings[dir] = entries
	}
	return entries, err
}

// leakHandle opens a file or directory and never closes it.
func (s *server) leakHandle(name string) {
	if f, err := os.Open(s.path(name)); err == nil {
		s.keepOpen(f)
	}
}
