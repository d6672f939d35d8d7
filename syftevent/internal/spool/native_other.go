//go:build !linux || !(amd64 || arm64)

package spool

import (
	"io/fs"
	"os"
	"path/filepath"
)

func readStamp(_ *os.File, dir string, d *directory) (stamp, error) { return portableStamp(dir, d) }

func readNative(f *os.File, into *listing) error { return readNames(f, into) }

// isAt reports whether a directory is still what its name leads to.
func isAt(_ *os.File, dir, name string, info fs.FileInfo) bool {
	now, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name)))
	return err == nil && os.SameFile(now, info)
}
