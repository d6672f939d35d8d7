package vector

import "testing"

// A pair is a value of one axis and a value of a later one.
type pair struct{ axis, value, other, otherValue int }

// pairs returns rows of values, one for each axis, in which each pair of values of two axes
// occurs. Sizes are the numbers of values. The result is always the same.
func pairs(sizes []int) (rows [][]int) {
	var order []pair
	missing := map[pair]bool{}
	for a := range sizes {
		for b := a + 1; b < len(sizes); b++ {
			for i := range sizes[a] {
				for j := range sizes[b] {
					p := pair{a, i, b, j}
					order = append(order, p)
					missing[p] = true
				}
			}
		}
	}
	used := make([][]int, len(sizes)) // how often each value occurs
	for a, size := range sizes {
		used[a] = make([]int, size)
	}
	for _, p := range order {
		if !missing[p] {
			continue
		}
		row := make([]int, len(sizes))
		for a := range row {
			row[a] = -1
		}
		row[p.axis], row[p.other] = p.value, p.otherValue
		for a := range row {
			if row[a] < 0 {
				row[a] = best(a, row, missing, used[a])
			}
		}
		for a := range row {
			used[a][row[a]]++
			for b := a + 1; b < len(row); b++ {
				delete(missing, pair{a, row[a], b, row[b]})
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// best returns the value of an axis with the most missing pairs, and of those the one that
// occurs least.
func best(axis int, row []int, missing map[pair]bool, used []int) (value int) {
	most := -1
	for i := range used {
		gain := 0
		for other, j := range row {
			switch {
			case j < 0 || other == axis:
			case other < axis && missing[pair{other, j, axis, i}], other > axis && missing[pair{axis, i, other, j}]:
				gain++
			}
		}
		if gain > most || gain == most && used[i] < used[value] {
			most, value = gain, i
		}
	}
	return value
}

func TestPairsHaveEachPair(t *testing.T) {
	sizes := []int{2, 5, 3, 4, 1}
	seen := map[pair]bool{}
	rows := pairs(sizes)
	for _, row := range rows {
		for a := range row {
			if row[a] >= sizes[a] {
				t.Errorf("value %d of axis %d", row[a], a)
			}
			for b := a + 1; b < len(row); b++ {
				seen[pair{a, row[a], b, row[b]}] = true
			}
		}
	}
	// The sums of products of the sizes.
	if want := 2*(5+3+4+1) + 5*(3+4+1) + 3*(4+1) + 4; len(seen) != want {
		t.Errorf("%d pairs, want %d", len(seen), want)
	}
	if len(rows) > 30 {
		t.Errorf("%d rows, the largest product is 20", len(rows))
	}
}
