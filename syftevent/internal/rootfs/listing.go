package rootfs

import (
	"errors"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"unsafe"
)

// A Kind is the type of a directory entry, as its listing shows it.
type Kind uint8

const (
	Regular   Kind = iota // a regular file
	Directory             // a directory
	Other                 // a symbolic link, a FIFO, a device ...
	Unknown               // the listing has no types, as on sshfs
)

const (
	// MaxListed is the default of Listing.Limit.
	MaxListed = 1 << 17
	// KeptEntries is the number of entries for which a listing always keeps its memory.
	KeptEntries = 10_000
	// listedName is the number of bytes of names that a listing holds per entry of its limit. A
	// name can have 255. A smaller value makes more sections, and the system reads the
	// whole directory for each.
	listedName = 128
)

// A Listing holds the entries of a directory, or of one section of it. Reset prepares it
// for the next directory and reuses its memory.
type Listing struct {
	// Limit is the number of entries that the listing holds. Defaults to MaxListed.
	Limit int
	// FolderLimit is the number of directories that it holds. Defaults to Limit.
	FolderLimit int
	// Stem returns the stem of a name, and whether any number of names may share that
	// stem. Names with one stem are in one section, unless they share it in any number.
	// nil makes each name its own stem.
	Stem func(name []byte) (stem []byte, shared bool)
	// Skip reports whether a name is not wanted; nil for none. Such a name takes no memory. It
	// is valid until Skip returns.
	Skip func(name []byte, kind Kind) bool
	// KeepFor is the number of smaller directories for which the listing keeps the memory that
	// a directory of more than KeptEntries took. Defaults to 0.
	KeepFor int

	// Entries are the entries of the directory that the section covers.
	Entries []Entry

	section     Section
	names       []byte // concatenated
	folderCount int
	smaller     int    // directories in a row that needed less than a quarter of the memory
	buffer      []byte // for the system call
	cname       []byte // the name of the directory, for the system call
}

// A Section is the names of a directory whose keys end in the given bits. The zero
// Section is all names. Sections bound the memory of a listing, whatever names others
// choose.
type Section struct {
	bits  uint8
	index uint64
}

const (
	// stemBits is the number of bits of a key that depend only on the stem. Any number of
	// names may share a stem; the bits above separate them, so that one stem cannot make a
	// section larger than the limit.
	stemBits = 10
	// maxBits is the largest Section.bits.
	maxBits = 60
)

// keySeed is random, so that nobody can choose names that are all in one section.
var keySeed = maphash.MakeSeed()

func (p Section) has(key uint64) bool { return key&(1<<p.bits-1) == p.index }

// rest appends the sections that together cover the names of p that q, a part of p, does
// not cover.
func (p Section) rest(q Section, to []Section) []Section {
	for bits := p.bits; bits < q.bits; bits++ {
		to = append(to, Section{bits + 1, q.index&(1<<bits-1) | 1<<bits})
	}
	return to
}

// An Entry is a directory entry in a listing.
type Entry struct {
	begin  uint32 // in names
	length uint16
	Kind   Kind
}

// Reset empties the listing, which covers section p of the next directory. It reports whether
// it freed the memory of a huge directory, which it does not if p is that directory's next
// section.
func (l *Listing) Reset(p Section) (freed bool) {
	if cap(l.Entries) > KeptEntries && p.bits == 0 {
		if l.smaller++; 4*len(l.Entries) >= cap(l.Entries) {
			l.smaller = 0
		}
		if freed = l.smaller >= l.KeepFor; freed {
			l.release()
		}
	}
	l.section, l.folderCount = p, 0
	l.names, l.Entries = l.names[:0], l.Entries[:0]
	return freed
}

// Add adds a name if the section covers it. It halves a section that exceeds a limit.
func (l *Listing) Add(name []byte, kind Kind) {
	if !l.Covers(name) || l.Skip != nil && l.Skip(name, kind) {
		return
	}
	l.put(name, kind)
	for l.isOver() && l.section.bits < maxBits {
		l.halve()
	}
}

// release leaves the memory of a huge directory to the next listing of one.
func (l *Listing) release() {
	if cap(l.Entries) > KeptEntries {
		spare.Put(&memory{l.names[:0], l.Entries[:0]})
	}
	*l = Listing{Limit: l.Limit, FolderLimit: l.FolderLimit, Stem: l.Stem, Skip: l.Skip, KeepFor: l.KeepFor, buffer: l.buffer, cname: l.cname}
}

// spare has the memory of huge directories, until the garbage collector frees it.
var spare sync.Pool

type memory struct {
	names   []byte
	entries []Entry
}

func (l *Listing) put(name []byte, kind Kind) {
	if len(l.Entries) == KeptEntries && cap(l.Entries) <= 2*KeptEntries {
		if has, ok := spare.Get().(*memory); ok {
			l.names, l.Entries = append(has.names, l.names...), append(has.entries, l.Entries...)
		}
	}
	begin := len(l.names)
	l.names = append(double(l.names, len(name)), name...)
	l.Entries = append(double(l.Entries, 1), Entry{uint32(begin), uint16(len(name)), kind})
	if kind == Directory {
		l.folderCount++
	}
}

// double makes room for n more elements. append alone makes a large slice a quarter larger at a
// time, and leaves five times its size to the garbage collector.
func double[S ~[]E, E any](s S, n int) S {
	if len(s)+n <= cap(s) {
		return s
	}
	return slices.Grow(s, max(n, len(s)))
}

func (l *Listing) isOver() bool {
	limit := l.Limit
	if limit == 0 {
		limit = MaxListed
	}
	return len(l.Entries) > limit || len(l.names) > limit*listedName || l.FolderLimit > 0 && l.folderCount > l.FolderLimit
}

// halve drops half of the section.
func (l *Listing) halve() {
	l.section.bits++
	names, entries := l.names, l.Entries
	l.names, l.Entries, l.folderCount = names[:0], entries[:0], 0
	for _, e := range entries { // what is kept moves towards the beginning
		name := names[e.begin : e.begin+uint32(e.length)]
		if l.Covers(name) {
			l.put(name, e.Kind)
		}
	}
}

// NamesSum returns a sum over the names of the entries, whatever their order. It differs, but for
// one chance in 2^64, between listings of the process that have different names.
func (l *Listing) NamesSum() (sum uint64) {
	for _, e := range l.Entries {
		sum += maphash.Bytes(keySeed, l.Name(e))
	}
	return sum
}

// Files returns the number of entries that are not known to be directories.
func (l *Listing) Files() int { return len(l.Entries) - l.folderCount }

// Complete reports whether the listing covers all names.
func (l *Listing) Complete() bool { return l.section.bits == 0 }

// Covers reports whether the section has the name: if the directory has it, the listing
// shows it.
func (l *Listing) Covers(name []byte) bool { return l.Complete() || l.section.has(l.key(name)) }

// CoversStem is Covers for the names of a stem that is not shared in any number.
func (l *Listing) CoversStem(stem []byte) bool {
	return l.Complete() || l.section.has(maphash.Bytes(keySeed, stem))
}

// Rest appends the sections of wanted that the listing does not cover: adding entries may
// have halved its section since Reset(wanted).
func (l *Listing) Rest(wanted Section, to []Section) []Section { return wanted.rest(l.section, to) }

// key returns the key that decides which sections have a name.
func (l *Listing) key(name []byte) uint64 {
	if l.Stem == nil {
		return maphash.Bytes(keySeed, name)
	}
	stem, shared := l.Stem(name)
	key := maphash.Bytes(keySeed, stem)
	if shared {
		key = key&(1<<stemBits-1) | maphash.Bytes(keySeed, name)<<stemBits
	}
	return key
}

// Name returns the name of an entry. It is valid until the next Reset.
func (l *Listing) Name(e Entry) []byte {
	end := e.begin + uint32(e.length)
	return l.names[e.begin:end:end]
}

// text returns a name as a string without a copy, valid for as long as the name is.
func text(name []byte) string { return unsafe.String(unsafe.SliceData(name), len(name)) }

// bytesOf returns a string's bytes without a copy. They must not be changed.
func bytesOf(name string) []byte { return unsafe.Slice(unsafe.StringData(name), len(name)) }

// List adds the entries of a directory to a listing. anchor is the open directory root. A FIFO
// in place of the directory does not block it.
func List(root *os.Root, anchor *os.File, name string, into *Listing) error {
	return listNative(root, anchor, name, into)
}

// ListPortable is [List] without system calls that only some systems have.
func ListPortable(root *os.Root, name string, into *Listing) error {
	return listWith(root, name, into, readNames)
}

func listWith(root *os.Root, name string, into *Listing, read func(*os.File, *Listing) error) error {
	f, err := root.OpenFile(name, os.O_RDONLY|openNonblock, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return read(f, into)
}

// readNames lists an open directory with calls that every system has.
func readNames(f *os.File, into *Listing) error {
	const atOnce = 4096
	for {
		entries, err := f.ReadDir(atOnce)
		for _, entry := range entries {
			into.Add([]byte(entry.Name()), KindOf(entry.Type()))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// KindOf returns the kind of a file with the mode.
func KindOf(mode fs.FileMode) Kind {
	switch {
	case mode.IsRegular():
		return Regular
	case mode.IsDir():
		return Directory
	}
	return Other
}
