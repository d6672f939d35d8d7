package syftevent

import (
	"slices"
	"strings"
)

// Headers are the headers of a request or a response. [Headers.Get], [Headers.Set] and
// [Headers.Del] ignore the case of a name; a name keeps the case in which it was set. Set
// works on nil Headers; assigning to an element of nil Headers panics, as with any map.
// Concurrent reads are safe; a write excludes all other use.
//
// A file may hold at most 256 headers, with 1 MiB of names and values in total. A
// server responds with 400 to a request with more, and with 500 if a handler returns more.
// To a client, a response with more is [ErrBadResponse].
type Headers map[string]string

// Get returns the value of a header, or "" if it is not set. If several names
// differ only in case, an exact match wins, then the first name in sorted order.
func (h Headers) Get(name string) string {
	if value, ok := h[name]; ok {
		return value
	}
	for _, key := range h.matching(name) {
		return h[key]
	}
	return ""
}

// Set sets a header and removes those whose names differ only in case. It makes
// the map if it is nil.
func (h *Headers) Set(name, value string) {
	h.Del(name)
	if *h == nil {
		*h = Headers{}
	}
	(*h)[name] = value
}

// Del removes a header, in whatever case it was set.
func (h Headers) Del(name string) {
	for _, key := range h.matching(name) {
		delete(h, key)
	}
}

// size returns the number of bytes of all names and values.
func (h Headers) size() (size int) {
	for name, value := range h {
		size += len(name) + len(value)
	}
	return size
}

func (h Headers) matching(name string) []string {
	var keys []string
	for key := range h {
		if strings.EqualFold(key, name) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
