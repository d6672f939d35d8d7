package main

import (
	"strings"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
)

// unknownName returns a usage error for an unknown name, with the most similar of the known ones.
func unknownName(kind, name string, known []string) error {
	if nearest := nearest(name, known); nearest != "" {
		return usageError("unknown %s %q (did you mean %s?)", kind, name, nearest)
	}
	return usageError("unknown %s %q", kind, name)
}

// nearest returns the known name that differs from name in the fewest letters, or "" if none is
// similar.
func nearest(name string, known []string) string {
	best, fewest := "", 2+len(name)/4
	for _, other := range known {
		d := cmdline.Distance(strings.ToLower(name), other)
		if strings.HasPrefix(other, strings.ToLower(name)) && name != "" {
			d = min(d, 1)
		}
		if d < fewest {
			best, fewest = other, d
		}
	}
	return best
}
