package spool

import (
	"errors"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"unsafe"
)

// A kind is what an entry of a directory is, as far as its listing tells.
type kind uint8

const (
	regular kind = iota
	folder
	other
	unknown // on sshfs, say: needs a call of its own
)

const (
	// maxListed is how many entries one listing holds. A larger directory is listed in
	// parts.
	maxListed = 1 << 17
	// listedName is how many bytes of names a listing holds for each entry it may hold:
	// a name can have 255. With less there are more parts, and the system reads the whole
	// directory for each.
	listedName = 128
)

// A listing holds the names in a directory, or in one part of it. The next listing
// reuses its memory.
type listing struct {
	// limit is how many entries the listing holds, with listedName bytes of names for
	// each. Zero means maxListed.
	limit int
	// folderLimit is how many directories it holds. Zero means limit.
	folderLimit int
	// stem returns the stem of a name, and whether any number of names may share that
	// stem. nil means that each name is its own stem.
	stem func(name []byte) (stem []byte, shared bool)

	part        part   // what the listing covers
	names       []byte // one after the other
	entries     []listed
	folderCount int
	asking      []asking
	answered    map[string]struct{} // stems of files that answer
	folders     []newFolder         // that are not known
	ignored     [][]byte            // names with the suffix of a file that asks, which do not
	orphans     []string            // names of files that belong to none that asks
	buffer      []byte              // for the system call
}

// A part is the names of a directory whose keys end in the given bits: the zero part is
// all of them. Parts bound the memory of a listing, whatever names others choose.
type part struct {
	bits  uint8
	index uint64
}

const (
	// stemBits is how many bits of a key depend on nothing but the stem. Names that
	// share a stem in any number, as the markers of conflicts do, are separated by the
	// bits above it: a stem must not make a part larger than the limit.
	stemBits = 10
	// maxBits ends the splitting.
	maxBits = 60
)

// keySeed is random, so that nobody can choose names that fall into one part.
var keySeed = maphash.MakeSeed()

func (p part) has(key uint64) bool { return key&(1<<p.bits-1) == p.index }

// rest appends what p has and q, which was split off p, has not.
func (p part) rest(q part, to []part) []part {
	for bits := p.bits; bits < q.bits; bits++ {
		to = append(to, part{bits + 1, q.index&(1<<bits-1) | 1<<bits})
	}
	return to
}

// An asking is a name with the suffix of a file that asks, without it.
type asking struct {
	stem []byte
	kind kind
}

// A newFolder is a directory and its position in the listing.
type newFolder struct {
	name   []byte
	number int
}

type listed struct {
	begin  uint32 // in names
	length uint16
	kind   kind
}

// reset empties the listing, which then covers a part of the next directory or all of
// it. It gives up the memory that a huge directory took, but for that directory's next
// part.
func (l *listing) reset(p part) {
	const keep = 10_000
	if l.answered == nil || cap(l.entries) > keep && p.bits == 0 {
		*l = listing{limit: l.limit, folderLimit: l.folderLimit, stem: l.stem, buffer: l.buffer, answered: map[string]struct{}{}}
	}
	l.part, l.folderCount = p, 0
	l.names, l.entries, l.asking = l.names[:0], l.entries[:0], l.asking[:0]
	l.folders, l.ignored, l.orphans = l.folders[:0], l.ignored[:0], l.orphans[:0]
	clear(l.answered)
}

// add adds a name if the part has it. A part that becomes larger than the limit is
// halved.
func (l *listing) add(name []byte, kind kind) {
	if !l.covers(name) {
		return
	}
	l.put(name, kind)
	for l.isOver() && l.part.bits < maxBits {
		l.halve()
	}
}

func (l *listing) put(name []byte, kind kind) {
	begin := len(l.names)
	l.names = append(l.names, name...)
	l.entries = append(l.entries, listed{uint32(begin), uint16(len(name)), kind})
	if kind == folder {
		l.folderCount++
	}
}

func (l *listing) isOver() bool {
	limit := l.limit
	if limit == 0 {
		limit = maxListed
	}
	return len(l.entries) > limit || len(l.names) > limit*listedName || l.folderLimit > 0 && l.folderCount > l.folderLimit
}

// halve drops half of the part.
func (l *listing) halve() {
	l.part.bits++
	names, entries := l.names, l.entries
	l.names, l.entries, l.folderCount = names[:0], entries[:0], 0
	for _, e := range entries { // what is kept moves towards the beginning
		name := names[e.begin : e.begin+uint32(e.length)]
		if l.covers(name) {
			l.put(name, e.kind)
		}
	}
}

// complete reports whether the listing covers all names.
func (l *listing) complete() bool { return l.part.bits == 0 }

// covers reports whether the listing shows a name if the directory has it.
func (l *listing) covers(name []byte) bool { return l.complete() || l.part.has(l.key(name)) }

// coversStem is covers for the names of a stem that no others share.
func (l *listing) coversStem(stem []byte) bool {
	return l.complete() || l.part.has(maphash.Bytes(keySeed, stem))
}

// key tells in which parts a name is.
func (l *listing) key(name []byte) uint64 {
	if l.stem == nil {
		return maphash.Bytes(keySeed, name)
	}
	stem, shared := l.stem(name)
	key := maphash.Bytes(keySeed, stem)
	if shared {
		key = key&(1<<stemBits-1) | maphash.Bytes(keySeed, name)<<stemBits
	}
	return key
}

// name returns the name of an entry, which is valid until the listing is used
// again.
func (l *listing) name(e listed) []byte {
	end := e.begin + uint32(e.length)
	return l.names[e.begin:end:end]
}

// text returns a name as a string without a copy, valid for as long as the name is.
func text(name []byte) string { return unsafe.String(unsafe.SliceData(name), len(name)) }

// bytesOf returns a string's bytes without a copy. They must not be changed.
func bytesOf(name string) []byte { return unsafe.Slice(unsafe.StringData(name), len(name)) }

// readNames lists an open directory by what every system has.
func readNames(f *os.File, into *listing) error {
	const atOnce = 4096
	for {
		entries, err := f.ReadDir(atOnce)
		for _, entry := range entries {
			into.add([]byte(entry.Name()), kindOf(entry.Type()))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func kindOf(mode fs.FileMode) kind {
	switch {
	case mode.IsRegular():
		return regular
	case mode.IsDir():
		return folder
	}
	return other
}
