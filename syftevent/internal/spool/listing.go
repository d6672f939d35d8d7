package spool

import (
	"unsafe"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A listing holds the entries of a directory by their role. The next listing reuses its
// memory.
type listing struct {
	rootfs.Listing
	outputs stemSet  // stems of outputs
	paired  int      // inputs with an output
	inputs  []input  // without an output
	folders []int32  // numbers of the entries that are directories and not tracked
	ignored [][]byte // names that Options.Ignore reports
	orphans []string // names of orphans
}

// An input is the stem of a name with the suffix of inputs.
type input struct {
	stem   []byte
	kind   rootfs.Kind
	number int // of its entry
}

// keepListing is the number of smaller directories that are listed before the memory for a
// huge one is freed.
const keepListing = 256

// reset prepares the listing for a section of the next directory.
func (l *listing) reset(section rootfs.Section) {
	if l.Reset(section) {
		*l = listing{Listing: l.Listing}
	}
	l.outputs.reset(0)
	l.paired = 0
	l.inputs, l.folders = l.inputs[:0], l.folders[:0]
	l.ignored, l.orphans = l.ignored[:0], l.orphans[:0]
}

// text returns a name as a string without a copy, valid for as long as the name is.
func text(name []byte) string { return unsafe.String(unsafe.SliceData(name), len(name)) }

// bytesOf returns a string's bytes without a copy. They must not be changed.
func bytesOf(name string) []byte { return unsafe.Slice(unsafe.StringData(name), len(name)) }
