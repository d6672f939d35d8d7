package spool

import (
	"hash/maphash"
	"iter"
)

// A table finds values by a string that is a part of them. It takes 10 to 20 bytes for each, a
// third of what a map takes, which counts with a hundred thousand directories. It keeps its
// memory when values are removed.
type table[T any] struct {
	key   func(*T) string
	slots []*T // an open hash table; its length is a power of two
	count int
}

// seed is that of all hashes. Nobody who chooses names knows which ones collide.
var seed = maphash.MakeSeed()

// home returns the slot where the search for a key begins.
func (t *table[T]) home(key string) int {
	return int(maphash.String(seed, key)) & (len(t.slots) - 1)
}

// next returns the slot after n.
func (t *table[T]) next(n int) int { return (n + 1) & (len(t.slots) - 1) }

// find returns the slot of a key, or a free one for it.
func (t *table[T]) find(key string) int {
	n := t.home(key)
	for t.slots[n] != nil && t.key(t.slots[n]) != key {
		n = t.next(n)
	}
	return n
}

// get returns the value with a key; nil for none.
func (t *table[T]) get(key string) *T {
	if t.count == 0 {
		return nil
	}
	return t.slots[t.find(key)]
}

// all iterates over the values, in no order.
func (t *table[T]) all() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, v := range t.slots {
			if v != nil && !yield(v) {
				return
			}
		}
	}
}

// set adds a value, in place of another one with its key.
func (t *table[T]) set(value *T) {
	if 16*(t.count+1) > 13*len(t.slots) { // then a search visits 15 slots for a key that is missing
		old := *t
		t.slots = make([]*T, max(16, 2*len(t.slots)))
		for v := range old.all() {
			t.slots[t.find(t.key(v))] = v
		}
	}
	n := t.find(t.key(value))
	if t.slots[n] == nil {
		t.count++
	}
	t.slots[n] = value
}

// delete removes the value with a key, if there is one.
func (t *table[T]) delete(key string) {
	if t.get(key) == nil {
		return
	}
	free := t.find(key)
	t.slots[free] = nil
	t.count--
	// A value whose search passes the free slot moves there.
	for n := t.next(free); t.slots[n] != nil; n = t.next(n) {
		mask := len(t.slots) - 1
		home := t.home(t.key(t.slots[n]))
		if passed := (n - home) & mask; passed >= (n-free)&mask {
			t.slots[free], t.slots[n] = t.slots[n], nil
			free = n
		}
	}
}
