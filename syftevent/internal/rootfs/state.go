package rootfs

import (
	"io/fs"
	"os"
	"path/filepath"
)

// A FileState is what a directory entry shows about a file without opening it.
type FileState struct {
	Kind     Kind
	Size     int64
	Modified int64 // in nanoseconds
}

// ReadStatePortable is [ReadState] without system calls that only some systems have.
func ReadStatePortable(dir, name string) (FileState, error) {
	info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return FileState{}, err
	}
	return StateOf(info), nil
}

// StateOf returns the state that info describes.
func StateOf(info fs.FileInfo) FileState {
	return FileState{KindOf(info.Mode()), info.Size(), info.ModTime().UnixNano()}
}
