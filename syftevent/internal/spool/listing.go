package spool

import (
	"errors"
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
	unknown // on sshfs, say: it must be asked for
)

// A listing is the names in a directory. Its memory is used again for the next.
type listing struct {
	names    []byte // one behind the other
	entries  []listed
	asking   []asking
	answered map[string]struct{} // stems of files that answer
	folders  []newFolder         // that are not known
	ignored  [][]byte            // names with the suffix of a file that asks, which do not
	orphans  []string            // names of files that belong to none that asks
	buffer   []byte              // for the system call
}

// An asking is a name with the suffix of a file that asks, without it.
type asking struct {
	stem []byte
	kind kind
}

// A newFolder is a directory and its place in the listing.
type newFolder struct {
	name   []byte
	number int
}

type listed struct {
	begin, end int // in names
	kind       kind
}

// reset makes it empty. The memory that a huge directory took is given up.
func (l *listing) reset() {
	const keep = 10_000
	if l.answered == nil || cap(l.entries) > keep {
		*l = listing{buffer: l.buffer, answered: map[string]struct{}{}}
	}
	l.names, l.entries, l.asking = l.names[:0], l.entries[:0], l.asking[:0]
	l.folders, l.ignored, l.orphans = l.folders[:0], l.ignored[:0], l.orphans[:0]
	clear(l.answered)
}

func (l *listing) add(name []byte, kind kind) {
	begin := len(l.names)
	l.names = append(l.names, name...)
	l.entries = append(l.entries, listed{begin, len(l.names), kind})
}

// name returns the name of an entry, which is good until the listing is used
// again.
func (l *listing) name(e listed) []byte { return l.names[e.begin:e.end:e.end] }

// text is a name as a string without a copy: good for as long as the name is.
func text(name []byte) string { return unsafe.String(unsafe.SliceData(name), len(name)) }

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
