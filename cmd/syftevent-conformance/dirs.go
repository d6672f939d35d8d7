package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// resolveDirs makes -dir and -target-dir absolute. It resolves symbolic links only in
// -dir, as the paths of a scenario do: -target-dir is the path that COMMAND sees.
func (f *runFlags) resolveDirs() error {
	if len(f.targetDirs) > 0 && f.dir == "" {
		return usageError("-target-dir needs -dir, the path of the same folder for the suite")
	}
	var err error
	if f.dir, err = folder(f.dir); err == nil && f.dir != "" {
		f.dir, err = filepath.EvalSymlinks(f.dir)
	}
	if err != nil {
		return usageError("-dir: %w", err)
	}
	for n, dir := range f.targetDirs {
		if f.targetDirs[n], err = folder(dir); err != nil {
			return usageError("-target-dir: %w", err)
		}
	}
	return nil
}

// A dirList is a flag that may be given several times.
type dirList []string

// String returns the folders, separated by spaces.
func (l *dirList) String() string { return strings.Join(*l, " ") }

// Set adds a folder.
func (l *dirList) Set(dir string) error {
	if dir == "" {
		return errors.New("no folder")
	}
	*l = append(*l, dir)
	return nil
}

// folder returns the absolute path of a folder. It returns "" for "".
func folder(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s is not a folder", path)
	}
	return filepath.Abs(path)
}
