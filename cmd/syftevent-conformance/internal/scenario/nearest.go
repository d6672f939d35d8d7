package scenario

import (
	"cmp"
	"slices"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
)

// maxNearest is the number of ids that are suggested for an unknown one.
const maxNearest = 3

// Nearest returns up to 3 of the ids that are similar to id, the most similar first: ids
// that differ in a few letters, and ids that contain it.
func Nearest(id string, ids []string) []string {
	type candidate struct {
		id       string
		distance int
	}
	var near []candidate
	for _, other := range ids {
		d := cmdline.Distance(strings.ToLower(id), other)
		switch {
		case d <= 1+len(id)/4:
		case len(id) >= 3 && strings.Contains(other, strings.ToLower(id)):
		default:
			continue
		}
		near = append(near, candidate{other, d})
	}
	slices.SortFunc(near, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.id, b.id))
	})
	near = slices.Compact(near)
	var nearest []string
	for _, c := range near[:min(len(near), maxNearest)] {
		nearest = append(nearest, c.id)
	}
	return nearest
}
