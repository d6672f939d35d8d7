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

// Walk gives each directory below root, and root itself as ".", to visit, with
// what is in it, before the directories in it. Symbolic links are not followed.
// A directory that cannot be listed is given with the error; if visit returns
// one, the walk ends with it.
func Walk(root *os.Root, visit func(dir string, entries []fs.DirEntry, err error) error) error {
	return walk(root, ".", 0, visit)
}

func walk(root *os.Root, dir string, depth int, visit func(string, []fs.DirEntry, error) error) error {
	entries, err := list(root, dir)
	if errors.Is(err, fs.ErrNotExist) && dir != "." {
		return nil // removed since its parent was listed
	}
	if err := visit(dir, entries, err); err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() && depth < maxDepth {
			if err := walk(root, path.Join(dir, entry.Name()), depth+1, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

func list(root *os.Root, dir string) ([]fs.DirEntry, error) {
	f, err := root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadDir(-1)
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
	temp, _, err := writeTemp(root, tempPrefix, path.Dir(name), data)
	if err != nil {
		return err
	}
	if err := root.Rename(temp, name); err != nil {
		root.Remove(temp)
		return err
	}
	return nil
}
