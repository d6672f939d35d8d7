package spool

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
)

// IsTemporary reports whether a name is that of a temporary file of a server.
func IsTemporary(name string) bool {
	return strings.HasPrefix(name, tempPrefix) && strings.HasSuffix(name, tempSuffix)
}

// A Name is an entry of a directory that is walked through.
type Name struct {
	// Name is good until visit returns; whoever keeps it longer clones it.
	Name    string
	Regular bool // whether it is a regular file
}

// A walker is one walk. Its memory is used again for each directory.
type walker struct {
	root    *os.Root
	visit   func(dir string, names []Name, err error) error
	listing listing
	names   []Name
}

// Walk gives each directory below root, and root itself as ".", to visit, with
// what is in it, before the directories in it. Symbolic links are not followed.
// A directory that cannot be listed is given with the error; if visit returns
// one, the walk ends with it.
func Walk(root *os.Root, visit func(dir string, names []Name, err error) error) error {
	w := &walker{root: root, visit: visit}
	return w.walk(".", 0)
}

func (w *walker) walk(dir string, depth int) error {
	err := w.list(dir)
	if errors.Is(err, fs.ErrNotExist) && dir != "." {
		return nil // removed since its parent was listed
	}
	var folders []string
	w.names = w.names[:0]
	for _, e := range w.listing.entries {
		name := text(w.listing.name(e))
		if e.kind == unknown {
			e.kind = other
			if info, err := w.root.Lstat(path.Join(dir, name)); err == nil {
				e.kind = kindOf(info.Mode())
			}
		}
		if e.kind == folder && depth < maxDepth {
			folders = append(folders, strings.Clone(name))
		}
		w.names = append(w.names, Name{name, e.kind == regular})
	}
	if err := w.visit(dir, w.names, err); err != nil {
		return err
	}
	for _, name := range folders {
		if err := w.walk(path.Join(dir, name), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) list(dir string) error {
	w.listing.reset()
	f, err := openDirectory(w.root, dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return readNative(f, &w.listing)
}

// ReadFile reads a regular file of at most maxSize bytes, and never a symbolic
// link, a FIFO or a device. One that is larger gives ErrTooLarge and what is
// known of it.
func ReadFile(root *os.Root, name string, maxSize int64) ([]byte, fs.FileInfo, error) {
	data, info, _, err := readRegular(root, name, maxSize)
	return data, info, err
}

// Move gives a file another name that nothing has.
func Move(root *os.Root, from, to string) error {
	err := root.Link(from, to)
	switch {
	case err == nil:
		return root.Remove(from)
	case errors.Is(err, fs.ErrExist):
		return err
	}
	// No hard links here, perhaps.
	if _, statErr := root.Lstat(to); !errors.Is(statErr, fs.ErrNotExist) {
		return err
	}
	return root.Rename(from, to)
}

// Replace gives a file new content at once: whoever reads it finds the old or
// the new.
func Replace(root *os.Root, name string, data []byte) error {
	temp, _, err := writeTemp(root, tempPrefix, path.Dir(name), data, false)
	if err != nil {
		return err
	}
	if err := root.Rename(temp, name); err != nil {
		root.Remove(temp)
		return err
	}
	return nil
}
