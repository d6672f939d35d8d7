package soak

import (
	"fmt"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// A life is what one process of the server has used after each round.
type life struct {
	after []measured
	// patience is the number of rounds before which no growth is looked for.
	patience int
}

type measured struct {
	target.Resources
	folders int
	round   int
}

// A growth is a resource that a server uses ever more of. It may be a leak, or chance: a collector gives
// memory back late, and each round needs another amount.
type growth struct {
	resource
	rounds      int   // of the life
	before, now int64 // the most of its second quarter, and the least of its last one
	more        int64 // what the server may use more than before
	half        []measured
}

// A resource is one of those measured.
type resource struct {
	name  string
	value func(m measured) int64
	more  func(most int64) int64
}

// Growth that is not yet a leak. A server may also keep a descriptor for each folder.
const (
	moreMemory      = 128 << 20 // bytes, beside a quarter of what it used
	moreThreads     = 32
	moreDescriptors = 16
)

var resources = []resource{
	{"MiB of memory", func(m measured) int64 { return m.Memory >> 20 }, func(most int64) int64 { return most/4 + moreMemory>>20 }},
	{"threads", func(m measured) int64 { return int64(m.Threads) }, func(int64) int64 { return moreThreads }},
	// A server that keeps one for some folders may keep one for each.
	{"descriptors beside one for each folder", func(m measured) int64 { return int64(max(0, m.Descriptors-m.folders)) }, func(int64) int64 { return moreDescriptors }},
}

// shortLife is the number of rounds from which on they are compared.
const shortLife = 8

// add adds a measurement, and returns what the server uses ever more of, nil if there is no such
// resource: in the last quarter of its life always more than in the third one, and there than in the
// second one. A server that once needed more, and keeps it, does not.
func (l *life) add(used measured) *growth {
	l.after = append(l.after, used)
	rounds, quarter := len(l.after), len(l.after)/4
	if rounds < max(shortLife, l.patience) {
		return nil
	}
	second, half := l.after[rounds-3*quarter:rounds-2*quarter], l.after[rounds-2*quarter:]
	for _, r := range resources {
		leastBefore, before := extent(second, r.value)
		least, _ := extent(half[:quarter], r.value)
		now, _ := extent(half[quarter:], r.value)
		more := r.more(before)
		step := more / 8
		if now > before+more && now > least+step && least > leastBefore+step {
			return &growth{resource: r, rounds: rounds, before: before, now: now, more: more, half: half}
		}
	}
	return nil
}

// extend adds the repetition of a growth that was none. The next one is looked for when the life is twice
// as long: a leak has grown as much by then.
func (l *life) extend(again []measured) {
	l.after = append(l.after, again...)
	l.patience = 2 * len(l.after)
}

// goesOn returns a failure if the same rounds again, half of the life, have made the server use as much
// more as it may have used more before.
func (g *growth) goesOn(again []measured) *script.Failure {
	_, most := extent(g.half, g.value)
	now, _ := extent(again[len(again)/2:], g.value)
	if now <= most+g.more {
		return nil
	}
	return &script.Failure{
		Line:     fmt.Sprintf("the resources of the server in %d rounds, of which the last %d repeat the %d before", g.rounds+len(again), len(again), len(again)),
		Expected: fmt.Sprintf("at most %d %s, as before these there were at most %d; or, repeated, at most %d, as there had been at most %d", g.before+g.more, g.name, g.before, most+g.more, most),
		Actual:   fmt.Sprintf("ever more of them: %d or more before the repetition, and %d or more at its end; the server uses %v", g.now, now, again[len(again)-1].Resources),
	}
}

// extent returns the least and the greatest value.
func extent(of []measured, value func(m measured) int64) (least, most int64) {
	least, most = value(of[0]), value(of[0])
	for _, m := range of {
		least, most = min(least, value(m)), max(most, value(m))
	}
	return least, most
}
