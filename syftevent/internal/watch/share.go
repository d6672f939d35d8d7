package watch

import (
	"math"
	"slices"
	"time"
)

// intervals returns the time between two scans of each datasite. costs are the durations of
// their scans. All scans together take at most share of a core. No interval is shorter than
// shortest. Datasites whose scans cost little are scanned at the shortest interval; the
// others divide what is left of the share equally, so that one with very many files
// delays no other.
func intervals(costs []time.Duration, share float64, shortest time.Duration) []time.Duration {
	sorted := slices.Clone(costs)
	slices.Sort(sorted)
	level := math.Inf(1) // the largest share of one datasite
	left := share
	for i, cost := range sorted {
		equal := left / float64(len(sorted)-i)
		demand := float64(cost) / float64(shortest)
		if demand > equal {
			level = equal
			break
		}
		left -= demand
	}
	result := make([]time.Duration, len(costs))
	for i, cost := range costs {
		result[i] = max(shortest, time.Duration(min(float64(cost)/level, float64(longest))))
	}
	return result
}

// longest bounds an interval: a datasite that costs more is scanned all the same.
const longest = time.Hour
