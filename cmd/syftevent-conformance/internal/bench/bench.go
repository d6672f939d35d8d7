// Package bench measures servers of the conformance application: how fast they
// answer, and what they cost while nothing happens. Each figure of a server is
// measured beside the same figure of the embedded reference, in the same run, so
// that a ratio of the two means something on a machine of any speed.
package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// A Subject is what is measured.
type Subject struct {
	Name string
	// Command starts a server; no arguments stand for the bare loop, which only
	// lists, reads, decodes, writes and links.
	Command target.Command
}

// Bare is the physical limit.
var Bare = Subject{Name: "bare loop"}

func (s Subject) isBare() bool { return len(s.Command.Args) == 0 }

// Config says what to measure.
type Config struct {
	// Dir is a folder on the file system that is measured on. A folder of the
	// run's is made in it, and removed.
	Dir string
	// Subjects are measured in turn, the first being the one that the others are
	// compared with.
	Subjects []Subject
	// Runs is how often each figure is measured, of which the median counts; the
	// idle figures are measured once.
	Runs int
	// Idle is how long a server is watched that has nothing to do.
	Idle time.Duration
	// Measures are the names of those to take; empty for all.
	Measures []string
	// Progress is told what is measured next.
	Progress func(format string, args ...any)
}

// A Figure is what was measured of one subject.
type Figure struct {
	Subject string
	Value   float64 // the median
	Low     float64
	High    float64
	// Err says why there is no value.
	Err error
}

// A Row is one measure of all subjects to which it applies.
type Row struct {
	Measure Measure
	Figures []Figure
}

// A Measure is something that is measured.
type Measure struct {
	Name string
	Unit string
	// More tells whether more is better.
	More bool
	What string

	bare bool // whether the bare loop can do it
	once bool // whether one run is enough
	take func(ctx context.Context, c *Config, s Subject, dir string) (float64, error)
}

// Measures are all that there are.
var Measures = []Measure{
	{
		Name: "burst-1", Unit: "requests/s", More: true, bare: true,
		What: "2,000 requests dropped at once into one sender's folder, right after one request",
		take: burst(1, true),
	},
	{
		Name: "burst-20", Unit: "requests/s", More: true, bare: true,
		What: "the same into 20 senders' folders",
		take: burst(20, true),
	},
	{
		Name: "burst-idle", Unit: "requests/s", More: true, bare: true,
		What: "2,000 dropped into one folder of a server that has had nothing to do for a second",
		take: burst(1, false),
	},
	{
		Name: "latency", Unit: "ms",
		What: "median time to the response, 200 requests one at a time, after the first",
		take: latency(0),
	},
	{
		Name: "latency-1000", Unit: "ms",
		What: "the same in a folder with 1,000 answered pairs",
		take: latency(1000),
	},
	{
		Name: "start", Unit: "s",
		What: "from the start of the process to its ready line, with 50,000 answered pairs",
		take: start,
	},
	{
		Name: "memory", Unit: "MB",
		What: "resident after 2,000 requests",
		take: memory,
	},
	{
		Name: "idle-126", Unit: "% of a core", once: true,
		What: "processor time while nothing happens, 126 endpoints x 20 senders x 10 answered pairs",
		take: idle(126, 10),
	},
	{
		Name: "idle-1000", Unit: "% of a core", once: true,
		What: "the same with 1,000 endpoints x 20 senders x 1 answered pair",
		take: idle(1000, 1),
	},
}

// Find returns the measures of the names, all if there are none.
func Find(names []string) ([]Measure, error) {
	if len(names) == 0 {
		return Measures, nil
	}
	var found []Measure
	for _, name := range names {
		i := slices.IndexFunc(Measures, func(m Measure) bool { return m.Name == name })
		if i < 0 {
			var known []string
			for _, m := range Measures {
				known = append(known, m.Name)
			}
			return nil, fmt.Errorf("there is no measure %q: there are %v", name, known)
		}
		found = append(found, Measures[i])
	}
	return found, nil
}

// Run takes the measures one after the other and gives each row to done. An error
// of one figure stands in it; the error returned is what keeps the run from going
// on.
func Run(ctx context.Context, c Config, done func(Row)) error {
	measures, err := Find(c.Measures)
	if err != nil {
		return err
	}
	// Nothing is removed between two runs: ext4 makes new files slowly for a while
	// after many were deleted.
	dir, err := os.MkdirTemp(c.Dir, "syftevent-bench-")
	if err != nil {
		return fmt.Errorf("making a folder for the run: %w", err)
	}
	defer os.RemoveAll(dir)
	for _, m := range measures {
		row, err := c.row(ctx, m, filepath.Join(dir, m.Name))
		if err != nil {
			return err
		}
		done(row)
	}
	return nil
}

// row takes one measure of each subject, in turn: if the machine's speed drifts it
// drifts for all.
func (c *Config) row(ctx context.Context, m Measure, dir string) (Row, error) {
	row := Row{Measure: m}
	values := map[string][]float64{}
	errs := map[string]error{}
	runs := c.Runs
	if m.once {
		runs = 1
	}
	for n := range runs {
		for i, s := range c.Subjects {
			if s.isBare() && !m.bare || errs[s.Name] != nil {
				continue
			}
			c.Progress("%s: %s, %d of %d", m.Name, s.Name, n+1, runs)
			where := filepath.Join(dir, fmt.Sprintf("%d-%d", n, i))
			if err := os.MkdirAll(where, 0o755); err != nil {
				return row, fmt.Errorf("making a folder for %s: %w", m.Name, err)
			}
			value, err := m.take(ctx, c, s, where)
			if ctx.Err() != nil {
				return row, context.Cause(ctx)
			}
			if err != nil {
				errs[s.Name] = err
				continue
			}
			values[s.Name] = append(values[s.Name], value)
		}
	}
	for _, s := range c.Subjects {
		switch v := values[s.Name]; {
		case errs[s.Name] != nil:
			row.Figures = append(row.Figures, Figure{Subject: s.Name, Err: errs[s.Name]})
		case v != nil:
			slices.Sort(v)
			row.Figures = append(row.Figures, Figure{Subject: s.Name, Value: v[len(v)/2], Low: v[0], High: v[len(v)-1]})
		}
	}
	return row, nil
}
