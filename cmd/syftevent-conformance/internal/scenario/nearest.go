package scenario

import (
	"cmp"
	"slices"
	"strings"
)

// mostNearest is how many ids are suggested for one that does not exist.
const mostNearest = 3

// Nearest returns those of the ids that somebody who wrote id may have meant, the
// likeliest first and 3 at most: those that differ in a few letters, and those that
// begin with it, or end with it, or hold it as a whole.
func Nearest(id string, ids []string) []string {
	type candidate struct {
		id       string
		distance int
	}
	var near []candidate
	for _, other := range ids {
		d := distance(strings.ToLower(id), other)
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
	for _, c := range near[:min(len(near), mostNearest)] {
		nearest = append(nearest, c.id)
	}
	return nearest
}

// distance is how many bytes must be put in, left out or replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // of the beginnings of b, for a beginning of a
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
