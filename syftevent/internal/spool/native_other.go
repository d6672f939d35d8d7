//go:build !linux || !(amd64 || arm64)

package spool

import (
	"io/fs"
	"os"
	"path/filepath"
)

func readStamp(_ *os.File, dir string, d *directory) (stamp, error) { return portableStamp(dir, d) }

func readNative(f *os.File, into *listing) error { return readNames(f, into) }

// changedAt is when a file was modified, in nanoseconds.
func changedAt(info fs.FileInfo) int64 { return info.ModTime().UnixNano() }

// An identity tells a file from others that exist at the same time.
type identity struct{ info fs.FileInfo }

func identityOf(info fs.FileInfo) identity { return identity{info} }

func (i identity) is(info fs.FileInfo) bool { return i.info != nil && os.SameFile(i.info, info) }

// isAt reports whether a directory is still what its name leads to.
func isAt(_ *os.File, dir, name string, directory identity) bool {
	now, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name)))
	return err == nil && directory.is(now)
}
