package soak

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
)

// shrinkTimescale shortens the waits while a failure is reduced. The result is confirmed with
// the usual ones.
const shrinkTimescale = 0.2

// confirmTries is how often a failure is confirmed while the machine is too slow for it.
const confirmTries = 3

// shrink finds the shortest scenario that still fails, by leaving out plans (Zeller's delta
// debugging). It begins with the round that failed. If that passes with a new server, it begins with all
// rounds of the old one.
func (s *soak) shrink(ctx context.Context) {
	last := s.rounds[len(s.rounds)-1:]
	s.result.Script = join(s.head(s.result.Round), s.rounds, everything)
	if s.Shrink <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.Shrink)
	defer cancel()
	for _, rounds := range [][]*round{last, s.rounds} {
		c := &candidate{soak: s, rounds: rounds, began: time.Now()}
		for n, r := range rounds {
			for p := range r.plans {
				c.units = append(c.units, unit{n, p})
			}
		}
		if !c.fails(ctx, c.units) {
			if len(s.rounds) == 1 {
				return
			}
			continue
		}
		c.reduce(ctx)
		s.result.Script, s.result.Confirmed = c.script(c.units), true
		return
	}
}

// A unit is a plan of a round.
type unit struct{ round, plan int }

// A candidate is a scenario that fails.
type candidate struct {
	*soak
	rounds []*round
	units  []unit
	began  time.Time
}

func (c *candidate) script(units []unit) []byte {
	kept := map[unit]bool{}
	for _, u := range units {
		kept[u] = true
	}
	return join(c.head(c.result.Round), c.rounds, func(r, plan int) bool { return kept[unit{r, plan}] })
}

// fails reports whether the scenario of some plans fails.
func (c *candidate) fails(ctx context.Context, units []unit) bool {
	text := c.script(units)
	failed := false
	if c.one(ctx, c.Timescale*shrinkTimescale, text, nil).Outcome != runner.Pass {
		confirmed := c.one(ctx, c.Timescale, text, nil)
		for tries := 1; confirmed.TooSlow && tries < confirmTries; tries++ {
			confirmed = c.one(ctx, c.Timescale, text, nil)
		}
		failed = confirmed.Outcome == runner.Fail
	}
	if ctx.Err() != nil {
		return false
	}
	if failed {
		c.result.Shrinking = bytes.Count(text, []byte("\n"))
	}
	c.report()
	return failed
}

// reduce leaves out as many plans as possible, until ctx is done.
func (c *candidate) reduce(ctx context.Context) {
	if alone := c.named(); len(alone) > 0 && len(alone) < len(c.units) && c.fails(ctx, alone) {
		c.units = alone
	}
	for parts := 2; len(c.units) > 1 && ctx.Err() == nil; {
		size := (len(c.units) + parts - 1) / parts
		reduced := false
		for from := 0; from < len(c.units) && ctx.Err() == nil; from += size {
			rest := append(append([]unit(nil), c.units[:from]...), c.units[min(from+size, len(c.units)):]...)
			if c.fails(ctx, rest) {
				c.units, reduced = rest, true
				break
			}
		}
		switch {
		case reduced:
			parts = max(2, parts-1)
		case size == 1:
			return
		default:
			parts = min(2*parts, len(c.units))
		}
	}
}

// named returns the plans whose request the failure names, and those that stop the server.
func (c *candidate) named() (units []unit) {
	words := strings.Fields(c.result.Failure.Failure.Line)
	for _, u := range c.units {
		p := c.rounds[u.round].plans[u.plan]
		named := false
		for _, word := range words {
			named = named || strings.TrimSuffix(word, "b") == p.name
		}
		if named || p.requests == 0 {
			units = append(units, u)
		}
	}
	return units
}
