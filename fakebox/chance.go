package fakebox

import (
	"fmt"
	"hash/fnv"
	"path"
	"strings"
	"sync"
)

// A chance makes the random decisions of a network. Each is a hash of the seed, a
// path, and how often that path was asked about: it does not depend on what happens
// to other files, unless there are tens of thousands.
type chance struct {
	seed uint64

	mu        sync.Mutex        // guards the fields below
	rate      float64           // Config.FaultRate
	rates     map[Fault]float64 // by [Box.SetFaultRate]
	failing   map[target]int    // files still to be struck, by [Box.FailNext]
	draws     counts            // draws per path
	decisions counts            // decisions per point and path
}

// A target is a fault, and the files that it is to strike: those with a suffix, or all if it
// is empty.
type target struct {
	fault  Fault
	suffix string
}

// counts counts by name, for the names that were counted lately: a network that runs for
// hours has millions.
type counts struct{ lately, before map[uint64]int }

// mostCounted is the number of names after which counts forgets those that it has not counted
// since it last did so.
const mostCounted = 1 << 16

func (c *counts) next(name string) int {
	key := hash(0, name)
	n, counted := c.lately[key]
	if !counted {
		n = c.before[key]
	}
	if c.lately == nil || len(c.lately) >= mostCounted {
		c.lately, c.before = map[uint64]int{}, c.lately
	}
	c.lately[key] = n + 1
	return n + 1
}

func newChance(seed uint64, rate float64) *chance {
	return &chance{seed: seed, rate: rate, rates: map[Fault]float64{}, failing: map[target]int{}}
}

// draw returns a pseudo-random number that depends on the seed, the name, and the
// number of earlier draws for it.
func (c *chance) draw(name string) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return hash(c.seed, "draw", name, c.draws.next(name))
}

// newID returns a pseudo-random UUID for a request from an address.
func (c *chance) newID(from string) string {
	high, low := c.draw("id "+from), c.draw("id "+from)
	high = high&^0xf000 | 0x4000
	low = low&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", high>>32, high>>16&0xffff, high&0xffff, low>>48, low&(1<<48-1))
}

// decide returns the fault that strikes a file at a point, or "".
func (c *chance) decide(at point, name string) Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, info := range faults {
		if !info.strikes(at, name) {
			continue
		}
		for _, t := range []target{{info.Fault, path.Ext(name)}, {info.Fault, ""}} {
			if c.failing[t] > 0 {
				c.failing[t]--
				return info.Fault
			}
		}
	}
	for _, info := range faults {
		if rate := c.rates[info.Fault]; rate > 0 && info.strikes(at, name) {
			count := c.decisions.next("rate " + string(info.Fault) + " " + name)
			if h := hash(c.seed, "rate", info.Fault, name, count); float64(h>>11)/(1<<53) < rate {
				return info.Fault
			}
		}
	}
	if c.rate <= 0 {
		return ""
	}
	return decision(c.seed, c.rate, at, name, c.decisions.next(string(at)+" "+name))
}

// failNext adds to the number of files with a suffix that a fault will strike.
func (c *chance) failNext(fault Fault, suffix string, n int) error {
	if _, err := ParseFault(string(fault)); err != nil {
		return err
	}
	if n < 1 {
		return fmt.Errorf("fakebox: inject fault %s: count %d is less than 1", fault, n)
	}
	for _, info := range faults {
		if info.Fault == fault && suffix != "" && (info.point == atCycle || !info.strikes(info.point, suffix)) {
			return fmt.Errorf("fakebox: inject fault %s: it strikes no files with the suffix %s", fault, suffix)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failing[target{fault, suffix}] += n
	return nil
}

// heal ends all faults.
func (c *chance) heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rate, c.rates, c.failing = 0, map[Fault]float64{}, map[target]int{}
}

func (i FaultInfo) strikes(at point, name string) bool {
	return i.point == at && (at == atCycle || isMessage(name)) && (!i.requests || strings.HasSuffix(name, ".request"))
}

// decision returns the fault that strikes a file when it reaches a point for the
// count-th time, or "". It is a pure function. Each seed enables a subset of the
// faults with different weights, so that one fault does not always hide another
// ("swarm testing", as in TigerBeetle and FoundationDB).
func decision(seed uint64, rate float64, at point, name string, count int) Fault {
	if h := hash(seed, string(at), name, count); float64(h>>11)/(1<<53) >= rate {
		return ""
	}
	total := uint64(0)
	var candidates []FaultInfo
	for _, info := range faults {
		if w := weight(seed, info.Fault); w > 0 && info.strikes(at, name) {
			candidates = append(candidates, info)
			total += w
		}
	}
	if total == 0 {
		return ""
	}
	draw := hash(seed, string(at), name, count, "which") % total
	for _, info := range candidates {
		w := weight(seed, info.Fault)
		if draw < w {
			return info.Fault
		}
		draw -= w
	}
	return "" // unreachable: draw is less than the sum of the weights
}

// weight returns the relative frequency of a fault under a seed. It is 0 for about a
// third of the faults.
func weight(seed uint64, fault Fault) uint64 {
	h := hash(seed, "weight", string(fault))
	if h%3 == 0 {
		return 0
	}
	return 1 + h>>8%8
}

// hash returns the 64-bit hash from which all random decisions derive.
func hash(seed uint64, parts ...any) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d", seed)
	for _, part := range parts {
		fmt.Fprintf(h, "\x00%v", part)
	}
	// FNV mixes the high bits of short input poorly. This is the finalizer of
	// MurmurHash3.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
