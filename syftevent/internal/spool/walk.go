package spool

import (
	"bytes"
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
	// Name is valid until visit returns; whoever keeps it longer clones it.
	Name    string
	Regular bool // whether it is a regular file
}

// A Walk visits a directory and all below it. Its memory is one listing and the names
// of the directories it is on the way to, however many files a directory holds.
type Walk struct {
	Root *os.Root
	// Suffixes are those of files that belong together: names that differ only in one
	// of these suffixes are in the same part.
	Suffixes []string
	// MaxListed is how many entries a part has at most. Defaults to 131,072.
	MaxListed int
}

// A Part is the entries of a directory, or some of them if it holds very many.
type Part struct {
	Names   []Name
	listing *listing
}

// Complete reports whether the directory has no other parts. What is not in Names is
// not in the directory only if Complete or Covers says so.
func (p Part) Complete() bool { return p.listing == nil || p.listing.complete() }

// Covers reports whether Names has the name if the directory has it.
func (p Part) Covers(name string) bool { return p.listing == nil || p.listing.covers(bytesOf(name)) }

// A walker is one walk. It reuses its memory for each directory.
type walker struct {
	root    *os.Root
	visit   func(dir string, part Part, err error) error
	listing listing
	names   []Name
}

// Directories calls visit for each directory below w.Root, and for the root itself as
// ".", before it visits the directories in it. It calls visit once for each part of a
// directory, and visits the directories in a part before the next part.
// It does not follow symbolic links. A directory that cannot be listed is passed with the
// error. If visit returns an error, the walk ends with it.
func (w Walk) Directories(visit func(dir string, part Part, err error) error) error {
	var suffixes [][]byte
	for _, suffix := range w.Suffixes {
		suffixes = append(suffixes, []byte(suffix))
	}
	walker := newWalker(w.Root, w.MaxListed, suffixes...)
	walker.visit = visit
	return walker.walk(".", 0)
}

func newWalker(root *os.Root, limit int, suffixes ...[]byte) *walker {
	if limit == 0 {
		limit = maxListed
	}
	return &walker{root: root, listing: listing{limit: limit, stem: func(name []byte) ([]byte, bool) {
		for _, suffix := range suffixes {
			if stem, ok := bytes.CutSuffix(name, suffix); ok {
				return stem, false
			}
		}
		return name, false
	}}}
}

// fewFolders is how many directories a part may always have, however deep it is.
const fewFolders = 4096

func (w *walker) walk(dir string, depth int) error {
	// A part has half as many directories as one above it, so that those that wait on
	// all levels together are bounded.
	folderLimit := max(w.listing.limit>>depth, min(w.listing.limit, fewFolders))
	return w.parts(dir, folderLimit, func(err error) error {
		if errors.Is(err, fs.ErrNotExist) && dir != "." {
			return nil // removed since its parent was listed
		}
		folders := w.collect(dir, depth)
		part := Part{Names: w.names}
		if err == nil {
			part.listing = &w.listing
		}
		if err := w.visit(dir, part, err); err != nil {
			return err
		}
		for _, name := range folders {
			if err := w.walk(path.Join(dir, name), depth+1); err != nil {
				return err
			}
		}
		return nil
	})
}

// collect makes w.names of the listing, and returns the directories in it.
func (w *walker) collect(dir string, depth int) (folders []string) {
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
	return folders
}

// parts lists a directory and calls visit with each part of it in w.listing, until
// visit returns an error. A part has folderLimit directories at most, 0 for no limit of
// their own. An error of listing ends the directory.
func (w *walker) parts(dir string, folderLimit int, visit func(err error) error) error {
	rest := []part{{}}
	for len(rest) > 0 {
		next := rest[len(rest)-1]
		rest = rest[:len(rest)-1]
		w.listing.folderLimit = folderLimit // visit may have walked on
		err := w.list(dir, next)
		if err != nil {
			rest = nil
		} else {
			rest = next.rest(w.listing.part, rest)
		}
		if err := visit(err); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) list(dir string, p part) error {
	w.listing.reset(p)
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
