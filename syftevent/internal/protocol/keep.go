package protocol

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// KeepName is the name of the file that keeps SyftBox from pruning an empty directory, which
// it would never watch again if it were made anew.
const KeepName = ".syftkeep"

// WriteKeepFile puts a .syftkeep into a directory, so that SyftBox does not prune it when
// it is empty. It keeps whatever already has that name.
func WriteKeepFile(root *os.Root, dir string) error {
	f, err := root.OpenFile(filepath.Join(dir, KeepName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// IsUnused reports whether a directory holds nothing but a .syftkeep.
func IsUnused(names []rootfs.Name) bool {
	return len(names) == 0 || len(names) == 1 && names[0].Name == KeepName && names[0].Regular
}

// RemoveKept removes a directory that holds nothing but its .syftkeep. If a file appears
// meanwhile, both stay, and it returns fs.ErrExist.
func RemoveKept(root *os.Root, dir string) error {
	if err := root.Remove(path.Join(dir, KeepName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := root.Remove(dir) // not RemoveAll
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = errors.Join(err, WriteKeepFile(root, dir))
	}
	return err
}
