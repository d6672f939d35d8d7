// Package bench measures the speed and idle cost of servers of the conformance
// application. It measures all servers in the same run, so that their ratios do not
// depend on the speed of the machine.
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

// A Subject is a server to measure, or the bare loop.
type Subject struct {
	Name string
	// Command starts the server. No arguments mean the bare loop, which only lists,
	// reads, decodes, writes and links.
	Command target.Command
}

// Bare is the bare loop, the lower bound of the cost.
var Bare = Subject{Name: "bare loop"}

func (s Subject) isBare() bool { return len(s.Command.Args) == 0 }

// Config configures a run.
type Config struct {
	// Dir is a folder on the file system to measure. Run creates its own folder there
	// and removes it.
	Dir string
	// Subjects are measured in turn. The first is compared with the others.
	Subjects []Subject
	// Runs is the number of measurements per figure. The median counts. Idle figures are
	// measured once.
	Runs int
	// Idle is how long an idle server is observed.
	Idle time.Duration
	// Measures lists the names of the measures. Empty means all that take seconds.
	Measures []string
	// Progress receives a message before each measurement.
	Progress func(format string, args ...any)
}

// A Figure is the result of one measure for one subject.
type Figure struct {
	Subject string
	Value   float64 // the median
	Low     float64
	High    float64
	// Err is the reason if there is no value.
	Err error
}

// A Row holds the figures of one measure.
type Row struct {
	Measure Measure
	Figures []Figure
}

// A Measure is a quantity to measure.
type Measure struct {
	Name string
	Unit string
	// More reports whether more is better.
	More bool
	What string

	bare  bool   // applies to the bare loop
	once  bool   // one run is enough
	large bool   // is taken only if it is named
	curve *curve // nil for none
	size  int    // its place on the curve
	take  func(ctx context.Context, c *Config, s Subject, dir string) (float64, error)
}

// IsLarge reports whether the measure takes minutes, and is taken only if it is named.
func (m Measure) IsLarge() bool { return m.large }

// Measures lists all measures.
var Measures = []Measure{
	{
		Name: "burst-1", Unit: "requests/s", More: true, bare: true,
		What: "2,000 requests at once in one sender folder, right after one request",
		take: burst(burstKind{senders: 1, warm: true}),
	},
	{
		Name: "burst-20", Unit: "requests/s", More: true, bare: true,
		What: "the same in 20 sender folders",
		take: burst(burstKind{senders: 20, warm: true}),
	},
	{
		Name: "burst-idle", Unit: "requests/s", More: true, bare: true,
		What: "2,000 requests at once in one sender folder, after one idle second",
		take: burst(burstKind{senders: 1}),
	},
	{
		Name: "latency", Unit: "ms", bare: true, curve: latencyCurve, size: 0,
		What: "median time to the response, 200 requests one at a time with 5 ms between, after the first",
		take: latency(0),
	},
	{
		Name: "latency-1000", Unit: "ms", bare: true, curve: latencyCurve, size: 1000,
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
		Name: "idle-126", Unit: "% of a core", once: true, curve: idleCurve, size: 126 * 21,
		What: "processor time when idle, 126 endpoints x 20 senders x 10 answered pairs",
		take: idle(126, 10),
	},
	{
		Name: "idle-1000", Unit: "% of a core", once: true, curve: idleCurve, size: 1000 * 21,
		What: "the same with 1,000 endpoints x 20 senders x 1 answered pair",
		take: idle(1000, 1),
	},
	{
		Name: "latency-200", Unit: "ms", bare: true, large: true, curve: latencyCurve, size: 200,
		What: "latency in a folder with 200 answered pairs",
		take: latency(200),
	},
	{
		Name: "latency-2000", Unit: "ms", bare: true, large: true, curve: latencyCurve, size: 2000,
		What: "latency in a folder with 2,000 answered pairs",
		take: latency(2000),
	},
	{
		Name: "latency-5000", Unit: "ms", bare: true, large: true, curve: latencyCurve, size: 5000,
		What: "latency in a folder with 5,000 answered pairs",
		take: latency(5000),
	},
	{
		Name: "latency-20000", Unit: "ms", bare: true, large: true, curve: latencyCurve, size: 20_000,
		What: "latency in a folder with 20,000 answered pairs",
		take: latency(20_000),
	},
	{
		Name: "cpu-20000", Unit: "ms", bare: true, large: true,
		What: "processor time of such a call",
		take: processorTimePerCall(20_000),
	},
	{
		Name: "burst-20000", Unit: "requests/s", More: true, bare: true, large: true,
		What: "burst-1 in a folder with 20,000 answered pairs",
		take: burst(burstKind{senders: 1, warm: true, pairs: 20_000}),
	},
	{
		Name: "burst-reader", Unit: "requests/s", More: true, large: true,
		What: "burst-1 beside a program that lists the folder and stats each name all the time",
		take: burst(burstKind{senders: 1, warm: true, reader: true}),
	},
	{
		Name: "burst-after", Unit: "of the median", More: true, large: true,
		What: "slowest of 20 bursts into 20 folders, 19 of them new, each right after a burst into one",
		take: burstAfter,
	},
	{
		Name: "turn-10000", Unit: "ms", bare: true, large: true,
		What: "median time to the response, 10,000 senders in turn",
		take: inTurn(10_000),
	},
	{
		Name: "first-1000", Unit: "ms", large: true,
		What: "median time to the response to the first request of one of 1,000 senders, after idle time",
		take: firstCall(1000),
	},
	{
		Name: "first-10000", Unit: "ms", large: true,
		What: "the same with 10,000 senders",
		take: firstCall(10_000),
	},
	{
		Name: "first-100000", Unit: "ms", large: true, once: true,
		What: "the same with 100,000 senders",
		take: firstCall(100_000),
	},
	{
		Name: "idle-100000", Unit: "% of a core", large: true, once: true, curve: idleCurve, size: 100_000,
		What: "processor time when idle, 100,000 senders",
		take: idleSenders(100_000),
	},
	{
		Name: "memory-100000", Unit: "MB", large: true, once: true,
		What: "resident with 100,000 senders",
		take: memorySenders(100_000),
	},
	{
		Name: "start-100000", Unit: "s", large: true, once: true,
		What: "from the start of the process to its ready line, with 100,000 senders",
		take: startSenders(100_000),
	},
}

// Find returns the named measures, by default all that are not large.
func Find(names []string) ([]Measure, error) {
	var found []Measure
	if len(names) == 0 {
		for _, m := range Measures {
			if !m.large {
				found = append(found, m)
			}
		}
		return found, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(Measures, func(m Measure) bool { return m.Name == name })
		if i < 0 {
			var known []string
			for _, m := range Measures {
				known = append(known, m.Name)
			}
			return nil, fmt.Errorf("unknown measure %q; the measures are %v", name, known)
		}
		found = append(found, Measures[i])
	}
	return found, nil
}

// Run takes the measures in turn and passes each row to done. A failed measurement is
// an error of its figure. Run returns an error only if it cannot continue.
func Run(ctx context.Context, c Config, done func(Row)) error {
	measures, err := Find(c.Measures)
	if err != nil {
		return err
	}
	// Remove nothing between measurements: ext4 creates files slowly for a while after
	// many were deleted.
	dir, err := os.MkdirTemp(c.Dir, "syftevent-bench-")
	if err != nil {
		return fmt.Errorf("create folder for the run: %w", err)
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

// row takes one measure of each subject in turn, so that a drift in the speed of the
// machine affects all.
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
				return row, fmt.Errorf("create folder for %s: %w", m.Name, err)
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
