package soak

import (
	"fmt"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// A life is what one process of the server has used after each round.
type life struct{ after []measured }

type measured struct {
	target.Resources
	folders int
}

// Growth that is not yet a leak. A server may also keep a descriptor for each folder.
const (
	moreMemory      = 128 << 20 // bytes, beside a quarter of what it used
	moreThreads     = 32
	moreDescriptors = 16
)

// shortLife is the number of rounds from which on they are compared.
const shortLife = 8

// add adds a measurement, and returns a failure if the server uses ever more: in the last quarter of
// its life always more than in the third one, and there than in the second one. A server that once
// needed more, and keeps it, does not.
func (l *life) add(used target.Resources, folders int) *script.Failure {
	l.after = append(l.after, measured{used, folders})
	rounds, quarter := len(l.after), len(l.after)/4
	if rounds < shortLife {
		return nil
	}
	second, third, last := l.after[rounds-3*quarter:rounds-2*quarter], l.after[rounds-2*quarter:rounds-quarter], l.after[rounds-quarter:]
	for _, of := range []struct {
		what  string
		value func(m measured) int64
		more  func(most int64) int64
	}{
		{"MiB of memory", func(m measured) int64 { return m.Memory >> 20 }, func(most int64) int64 { return most/4 + moreMemory>>20 }},
		{"threads", func(m measured) int64 { return int64(m.Threads) }, func(int64) int64 { return moreThreads }},
		// A server that keeps one for some folders may keep one for each.
		{"descriptors beside one for each folder", func(m measured) int64 { return int64(max(0, m.Descriptors-m.folders)) }, func(int64) int64 { return moreDescriptors }},
	} {
		leastBefore, before := extent(second, of.value)
		least, _ := extent(third, of.value)
		now, _ := extent(last, of.value)
		more := of.more(before)
		step := more / 8
		if now > before+more && now > least+step && least > leastBefore+step {
			return &script.Failure{
				Line:     fmt.Sprintf("the resources of the server in %d rounds", rounds),
				Expected: fmt.Sprintf("at most %d %s, as %d rounds ago there were at most %d", before+more, of.what, 2*quarter, before),
				Actual:   fmt.Sprintf("ever more of them, and %d or more in the last %d rounds; it uses %v", now, quarter, used),
			}
		}
	}
	return nil
}

// extent returns the least and the greatest value.
func extent(of []measured, value func(m measured) int64) (least, most int64) {
	least, most = value(of[0]), value(of[0])
	for _, m := range of {
		least, most = min(least, value(m)), max(most, value(m))
	}
	return least, most
}
