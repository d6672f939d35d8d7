package spool

import (
	"bytes"
	"hash/maphash"
	"math/bits"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// A stemSet is a set of stems of the names in a listing. In a directory of 20,000 pairs a map
// of strings would cost as much as reading the directory.
type stemSet struct {
	slots []stemSlot // an open hash table; its length is a power of two
	count int
}

// A stemSlot refers to the stem of an entry.
type stemSlot struct {
	entry  uint32 // its number plus 1; 0 for none
	length uint16 // of the stem
	tag    uint16 // bits of the hash
}

// reset empties the set and makes room for n stems.
func (set *stemSet) reset(n int) {
	size := 0
	if n > 0 {
		size = 1 << bits.Len(uint(2*n-1)) // at most half full
	}
	if size > cap(set.slots) {
		set.slots = make([]stemSlot, size)
	}
	set.slots = set.slots[:size]
	clear(set.slots)
	set.count = 0
}

// add adds the stem of an entry, a prefix of its name. It reports whether the set did not have
// it.
func (set *stemSet) add(names *rootfs.Listing, stem []byte, number int) bool {
	slot, tag := set.find(names, stem)
	if slot.entry != 0 {
		return false
	}
	*slot = stemSlot{uint32(number) + 1, uint16(len(stem)), tag}
	set.count++
	return true
}

// has reports whether the set has a stem.
func (set *stemSet) has(names *rootfs.Listing, stem []byte) bool {
	if set.count == 0 {
		return false
	}
	slot, _ := set.find(names, stem)
	return slot.entry != 0
}

// find returns the slot of a stem, or a free one for it.
func (set *stemSet) find(names *rootfs.Listing, stem []byte) (slot *stemSlot, tag uint16) {
	hash := maphash.Bytes(seed, stem)
	tag = uint16(hash >> 48)
	mask := len(set.slots) - 1
	for n := int(hash) & mask; ; n = (n + 1) & mask {
		slot = &set.slots[n]
		if slot.entry == 0 || slot.tag == tag && bytes.Equal(names.Name(names.Entries[slot.entry-1])[:slot.length], stem) {
			return slot, tag
		}
	}
}
