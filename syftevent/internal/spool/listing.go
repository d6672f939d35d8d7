package spool

import (
	"unsafe"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A listing is the entries of a directory, sorted by what they are to the spool. The next
// listing reuses its memory.
type listing struct {
	rootfs.Listing
	asking   []asking
	answered map[string]struct{} // stems of files that answer
	folders  []newFolder         // directories that are not known
	ignored  [][]byte            // names with the suffix of a file that asks that Options.Ignore reports
	orphans  []string            // names of files that belong to none that asks
}

// An asking is a name with the suffix of a file that asks, without it.
type asking struct {
	stem []byte
	kind rootfs.Kind
}

// A newFolder is a directory and its position in the listing.
type newFolder struct {
	name   []byte
	number int
}

// reset prepares the listing for a section of the next directory.
func (l *listing) reset(section rootfs.Section) {
	if l.answered == nil || cap(l.Entries) > rootfs.KeptEntries && section == (rootfs.Section{}) {
		*l = listing{Listing: l.Listing, answered: map[string]struct{}{}}
	}
	l.Reset(section)
	l.asking, l.folders = l.asking[:0], l.folders[:0]
	l.ignored, l.orphans = l.ignored[:0], l.orphans[:0]
	clear(l.answered)
}

// text returns a name as a string without a copy, valid for as long as the name is.
func text(name []byte) string { return unsafe.String(unsafe.SliceData(name), len(name)) }

// bytesOf returns a string's bytes without a copy. They must not be changed.
func bytesOf(name string) []byte { return unsafe.Slice(unsafe.StringData(name), len(name)) }
