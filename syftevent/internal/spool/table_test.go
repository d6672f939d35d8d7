package spool

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A table behaves as a map.
func TestTable(t *testing.T) {
	type value struct {
		key    string
		number int
	}
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		keys := 1 + random.IntN(200)
		table := table[value]{key: func(v *value) string { return v.key }}
		want := map[string]int{}
		for step := range 2000 {
			key := fmt.Sprint(random.IntN(keys))
			switch random.IntN(3) {
			case 0:
				table.delete(key)
				delete(want, key)
			case 1:
				table.set(&value{key, step})
				want[key] = step
			}
			v := table.get(key)
			if number, ok := want[key]; ok != (v != nil) || ok && v.number != number {
				t.Fatalf("seed %d, step %d: get(%q) = %v, want %d, %v", seed, step, key, v, number, ok)
			}
		}
		got := map[string]int{}
		for v := range table.all() {
			got[v.key] = v.number
		}
		if diff := cmp.Diff(want, got); diff != "" || table.count != len(want) {
			t.Errorf("seed %d: %d values (-want +got):\n%s", seed, table.count, diff)
		}
		for key := range maps.Keys(want) {
			if table.get(key) == nil {
				t.Errorf("seed %d: %q is lost", seed, key)
			}
		}
	}
}
