package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// resolveDirs makes -dir and -target-dir absolute, if they are folders. Links in the
// first are resolved, as they are in the paths of a scenario, and those in the
// second are not: it is as COMMAND sees it.
func (f *runFlags) resolveDirs() error {
	if f.targetDir != "" && f.dir == "" {
		return usageError("-target-dir wants -dir, the same folder as the suite sees it")
	}
	var err error
	if f.dir, err = folder(f.dir); err == nil && f.dir != "" {
		f.dir, err = filepath.EvalSymlinks(f.dir)
	}
	if err != nil {
		return usageError("-dir: %w", err)
	}
	if f.targetDir, err = folder(f.targetDir); err != nil {
		return usageError("-target-dir: %w", err)
	}
	return nil
}

// folder makes the path of a folder absolute; "" stays so.
func folder(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s is no folder", path)
	}
	return filepath.Abs(path)
}
