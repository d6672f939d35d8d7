package main

import (
	"fmt"
	"net/http"
	"strings"
)

// A headerFlag collects the headers of -H, in curl's notation.
type headerFlag []func(http.Header)

func (f *headerFlag) String() string { return "" }

// Set parses 'NAME: VALUE', 'NAME:', which removes a header, and 'NAME;', which sends one without
// a value.
func (f *headerFlag) Set(s string) error {
	name, value, ok := strings.Cut(s, ":")
	value = strings.TrimSpace(value)
	if !ok {
		if name, ok = strings.CutSuffix(s, ";"); !ok {
			return fmt.Errorf("want 'NAME: VALUE'")
		}
		*f = append(*f, func(h http.Header) { h.Set(name, "") })
	} else if value == "" {
		*f = append(*f, func(h http.Header) { h.Del(name) })
	} else {
		*f = append(*f, func(h http.Header) { h.Add(name, value) })
	}
	if name == "" || strings.ContainsAny(name, " \t") {
		return fmt.Errorf("invalid name %q", name)
	}
	return nil
}

// apply sets the headers. A Content-Type replaces the one of the body.
func (f headerFlag) apply(h http.Header) {
	own := http.Header{}
	for _, set := range f {
		set(own)
	}
	if len(own["Content-Type"]) > 0 {
		h.Del("Content-Type")
	}
	for _, set := range f {
		set(h)
	}
}
