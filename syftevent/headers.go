package syftevent

import (
	"slices"
	"strings"
)

// Headers are the name-value pairs of a request or a response. Names keep the
// case in which they were set; [Headers.Get], [Headers.Set] and [Headers.Del]
// match them in any case. The zero value, nil, is empty and may be read.
// Headers are not safe for concurrent use while they are changed.
//
// A file may hold at most 256 headers, whose names and values have at most 1 MiB in
// total. A request with more is answered 400; a response with more is [ErrBadResponse].
type Headers map[string]string

// Get returns the value of the header, "" if there is none. Of names that
// differ in case only, an exact match comes first, then the first in sorted
// order.
func (h Headers) Get(name string) string {
	if value, ok := h[name]; ok {
		return value
	}
	for _, key := range h.matching(name) {
		return h[key]
	}
	return ""
}

// Set sets the header, replacing any whose name differs in case only.
func (h Headers) Set(name, value string) {
	h.Del(name)
	h[name] = value
}

// Del removes the header, in whatever case it was set.
func (h Headers) Del(name string) {
	for _, key := range h.matching(name) {
		delete(h, key)
	}
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
