package rootfs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// MaxDepth is the number of levels below its root that a Walk visits.
const MaxDepth = 32

// A Name is an entry of a directory that a Walk visits.
type Name struct {
	// Name is valid until visit returns; clone it to keep it longer.
	Name    string
	Regular bool // whether it is a regular file
}

// A Walk visits a directory and all directories below it. Its memory is one listing and
// the names of the directories still to visit, however many files a directory holds.
type Walk struct {
	Root *os.Root
	// Suffixes are the suffixes of files that belong together. Names that differ only in
	// one of these suffixes are in the same part.
	Suffixes []string
	// Enters reports whether a directory below Root is visited; nil for always.
	Enters func(dir string) bool
	// MaxListed is the largest number of entries of a part. Defaults to MaxListed.
	MaxListed int
}

// A Part is the entries of a directory, or some of them if there are very many.
type Part struct {
	Names   []Name
	listing *Listing
}

// Complete reports whether the directory has no other parts. A name that is missing in
// Names is missing in the directory only if Complete or Covers returns true.
func (p Part) Complete() bool { return p.listing == nil || p.listing.Complete() }

// Covers reports whether Names has the name, if the directory has it.
func (p Part) Covers(name string) bool { return p.listing == nil || p.listing.Covers(bytesOf(name)) }

// A walker is one walk. It reuses its memory for each directory.
type walker struct {
	*Lister
	enters func(dir string) bool
	visit  func(dir string, part Part, err error) error
	names  []Name
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
	anchor, err := w.Root.Open(".")
	if err != nil {
		return visit(".", Part{}, err)
	}
	defer anchor.Close()
	walker := walker{Lister: NewLister(w.MaxListed, suffixes...), enters: w.Enters, visit: visit}
	walker.Root, walker.Anchor = w.Root, anchor
	defer walker.Listing.release()
	return walker.walk(".", 0)
}

// A Lister lists directories below Root, section by section, with the memory of one
// listing.
type Lister struct {
	Root    *os.Root
	Anchor  *os.File // the open directory Root
	Listing Listing
}

// NewLister returns a Lister without a Root. limit is its Listing.Limit. Names that differ
// only in one of the suffixes are in the same section.
func NewLister(limit int, suffixes ...[]byte) *Lister {
	if limit == 0 {
		limit = MaxListed
	}
	return &Lister{Listing: Listing{Limit: limit, Stem: func(name []byte) ([]byte, bool) {
		for _, suffix := range suffixes {
			if stem, ok := bytes.CutSuffix(name, suffix); ok {
				return stem, false
			}
		}
		return name, false
	}}}
}

// fewFolders is the number of directories that a part may have at any depth.
const fewFolders = 4096

func (w *walker) walk(dir string, depth int) error {
	// The limit is halved at each level, which bounds the directories still to visit on all
	// levels together.
	folderLimit := max(w.Listing.Limit>>depth, min(w.Listing.Limit, fewFolders))
	return w.Parts(dir, folderLimit, func(err error) error {
		if errors.Is(err, fs.ErrNotExist) && dir != "." {
			return nil // removed since its parent was listed
		}
		folders := w.collect(dir, depth)
		part := Part{Names: w.names}
		if err == nil {
			part.listing = &w.Listing
		}
		if err := w.visit(dir, part, err); err != nil {
			return err
		}
		if cap(w.names) > KeptEntries {
			w.names = nil
		}
		for name := range strings.SplitSeq(folders, "/") {
			if name == "" {
				continue // the last
			}
			if err := w.walk(path.Join(dir, name), depth+1); err != nil {
				return err
			}
		}
		return nil
	})
}

// collect fills w.names from the listing, and returns the names of the directories in it that
// are to be visited, each followed by a slash: there may be very many.
func (w *walker) collect(dir string, depth int) (folders string) {
	var visited []byte
	w.names = slices.Grow(w.names[:0], len(w.Listing.Entries))
	for _, e := range w.Listing.Entries {
		name := text(w.Listing.Name(e))
		if e.Kind == Unknown {
			e.Kind = Other
			if info, err := w.Root.Lstat(path.Join(dir, name)); err == nil {
				e.Kind = KindOf(info.Mode())
			}
		}
		if e.Kind == Directory && depth < MaxDepth {
			if w.enters == nil || w.enters(path.Join(dir, name)) {
				visited = append(append(double(visited, len(name)+1), name...), '/')
			}
		}
		w.names = append(w.names, Name{name, e.Kind == Regular})
	}
	return text(visited)
}

// Parts lists a directory and calls visit for each section of it, which is in
// l.Listing, until visit returns an error. A section has at most folderLimit directories,
// Listing.Limit if that is 0. If listing fails, it calls visit with the error once, and ends.
func (l *Lister) Parts(dir string, folderLimit int, visit func(err error) error) error {
	rest := []Section{{}}
	for len(rest) > 0 {
		next := rest[len(rest)-1]
		rest = rest[:len(rest)-1]
		l.Listing.FolderLimit = folderLimit // visit may have listed another directory
		l.Listing.Reset(next)
		err := List(l.Root, l.Anchor, dir, &l.Listing)
		if err != nil {
			rest = nil
		} else {
			rest = l.Listing.Rest(next, rest)
		}
		if err := visit(err); err != nil {
			return err
		}
	}
	return nil
}
