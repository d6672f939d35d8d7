//go:build !linux || android || !(amd64 || arm64)

package rootfs

import (
	"io/fs"
	"os"
	"path/filepath"
)

// ReadStamp returns the stamp of a directory, or ErrNotExist if there is none. anchor is
// the open directory dir. cname is the name relative to it, followed by a zero byte.
func ReadStamp(_ *os.File, dir string, cname []byte) (Stamp, error) {
	return ReadStampPortable(dir, string(cname[:len(cname)-1]))
}

// ReadState returns the state of a file without following a symbolic link that has its
// name. anchor is the open directory dir. cname is the name relative to it, followed by a
// zero byte.
func ReadState(_ *os.File, dir string, cname []byte) (FileState, error) {
	return ReadStatePortable(dir, string(cname[:len(cname)-1]))
}

func listNative(root *os.Root, _ *os.File, name string, into *Listing) error {
	return ListPortable(root, name, into)
}

// ChangedAt returns the modification time of a file, in nanoseconds.
func ChangedAt(info fs.FileInfo) int64 { return info.ModTime().UnixNano() }

// An Identity distinguishes a file from others that exist at the same time.
type Identity struct{ info fs.FileInfo }

// IdentityOf returns the identity of the file that info describes.
func IdentityOf(info fs.FileInfo) Identity { return Identity{info} }

// Is reports whether info describes the same file.
func (i Identity) Is(info fs.FileInfo) bool { return i.info != nil && os.SameFile(i.info, info) }

// IsAt reports whether the name still leads to the directory.
func IsAt(_ *os.File, dir, name string, directory Identity) bool {
	now, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name)))
	return err == nil && directory.Is(now)
}
