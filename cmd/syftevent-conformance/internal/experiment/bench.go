package experiment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A benchPair is a server and a client to measure.
type benchPair struct {
	name           string
	server, client []string
}

// A benchRow is one measurement.
type benchRow struct {
	name string
	// own gives each pair its own network, because the measurement disturbs the others.
	// Otherwise the pairs share one and take turns.
	own bool
	// rounds is the number of rounds; 0 means the number that Bench was given.
	rounds int
	// take measures one round.
	take func(ctx context.Context, p *pair) (outcome, string, error)
}

// benchEndpoints are the endpoints that warm-up calls use.
var benchEndpoints = []string{"echo", "record"}

// benchTimeout is the timeout of a call.
const benchTimeout = 60 * time.Second

func benchRows(c *Config) []benchRow {
	size := func(short, full int) int {
		if c.Full {
			return full
		}
		return short
	}
	rows := []benchRow{{
		name: "round trip, one at a time",
		take: func(ctx context.Context, p *pair) (outcome, string, error) {
			o, err := p.oneAtATime(ctx, "echo", size(20, 100))
			return o, "", err
		},
	}, {
		name: "the same after 20 s idle",
		take: func(ctx context.Context, p *pair) (outcome, string, error) {
			if err := sleep(ctx, quietTime); err != nil {
				return outcome{}, "", err
			}
			o, err := p.oneAtATime(ctx, "echo", size(5, 30))
			return o, "", err
		},
	}}
	for _, count := range []int{40, 100, 300} {
		rows = append(rows, benchRow{
			name: fmt.Sprintf("%d at once", count), rounds: 1,
			take: func(ctx context.Context, p *pair) (outcome, string, error) {
				o, err := p.atOnce(ctx, "record", count, benchTimeout)
				if err != nil {
					return o, "", err
				}
				again, err := p.ranAgain(nil)
				return o, fmt.Sprintf("%d ran again, total %s", again, millis(o.all)), err
			},
		})
	}
	return append(rows, benchRow{
		name: fmt.Sprintf("outage: %d calls", size(120, 250)), own: true, rounds: 1,
		take: func(ctx context.Context, p *pair) (outcome, string, error) {
			o, answered, err := p.outage(ctx, size(120, 250), time.Duration(size(8, 20))*time.Second)
			if err == nil {
				err = p.t.cycles(ctx, 4)
			}
			if err != nil {
				return o, "", err
			}
			before, err := p.ranAgain(answered)
			if err != nil {
				return o, "", err
			}
			all, err := p.ranAgain(nil)
			return o, fmt.Sprintf("%d ran again, %d of them answered before the kill", all, before), err
		},
	}, benchRow{
		name: fmt.Sprintf("files left after %d calls, half of them with the view delayed by 400 ms", 2*size(40, 200)), own: true, rounds: 1,
		take: func(ctx context.Context, p *pair) (outcome, string, error) {
			err := p.checkNoLeftovers(ctx, size(40, 200), time.Duration(size(120, 1800))*time.Second)
			if judge(err) == Differs {
				err = nil
			}
			return outcome{}, p.t.report(), err
		},
	})
}

// Bench measures the library's pair and, if configured, the Python package's pair on a
// real SyftBox, and writes a Markdown table. The pairs take turns, so that other load on
// the machine affects both.
func Bench(ctx context.Context, c Config, rounds int, out io.Writer, progress func(format string, args ...any)) error {
	pairs := []benchPair{{"library", c.Server, c.Client}}
	if len(c.PythonServer) > 0 {
		pairs = append(pairs, benchPair{"Python package", c.PythonServer, c.PythonClient})
	}
	fmt.Fprint(out, "| measure |")
	for _, p := range pairs {
		fmt.Fprintf(out, " %s |", p.name)
	}
	fmt.Fprintf(out, "\n|---|%s\n", strings.Repeat("---|", len(pairs)))
	for n, row := range benchRows(&c) {
		times := rounds
		if row.rounds > 0 {
			times = row.rounds
		}
		name := fmt.Sprintf("bench-%d", n)
		cells := make([]benchCell, len(pairs))
		var err error
		if row.own {
			for i, p := range pairs {
				err = errors.Join(err, measure(ctx, &c, row, times, fmt.Sprintf("%s-%d", name, i), []benchPair{p}, cells[i:i+1], progress))
			}
		} else {
			err = measure(ctx, &c, row, times, name, pairs, cells, progress)
		}
		if err != nil {
			return fmt.Errorf("measure %s: %w", row.name, err)
		}
		fmt.Fprintf(out, "| %s |", row.name)
		for _, cell := range cells {
			fmt.Fprintf(out, " %s |", oneLine(cell.String()))
		}
		if _, err := fmt.Fprintln(out); err != nil {
			return err
		}
	}
	return nil
}

// A benchCell is the result of one pair over all rounds.
type benchCell struct {
	total outcome
	notes []string
}

func (c *benchCell) String() string {
	parts := c.notes
	if len(c.total.took)+c.total.lost+c.total.wrong > 0 {
		parts = append([]string{c.total.String()}, parts...)
	}
	return strings.Join(parts, "; ")
}

// A benchNetwork is a network with running pairs.
type benchNetwork struct {
	network Network
	pairs   []*pair
}

// openBench starts a network and the pairs, each with its own app.
func openBench(ctx context.Context, c *Config, name string, pairs []benchPair) (_ *benchNetwork, err error) {
	dir := filepath.Join(c.Dir, name)
	var names apps
	for i := range pairs {
		names = append(names, fmt.Sprintf("x-%s-%d", name, i))
	}
	network, err := c.start(ctx, Real, filepath.Join(dir, "box"), names)
	if err != nil {
		return nil, err
	}
	b := &benchNetwork{network: network}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	roots := map[string]string{Alice: network.Datasites(Alice), Bob: network.Datasites(Bob)}
	for i, p := range pairs {
		t := &trial{network: network, kind: Real, config: c, app: names[i], dir: filepath.Join(dir, fmt.Sprint(i)), release: func() {}}
		if err := os.MkdirAll(t.dir, 0o755); err != nil {
			return nil, err
		}
		// A slow poll leaves the processor to the pairs.
		t.observer = observe(roots, Bob+"/app_data/"+t.app, observeBench)
		running, err := t.startPair(ctx, p.server, p.client)
		if err != nil {
			t.observer.Close()
			return nil, err
		}
		b.pairs = append(b.pairs, running)
	}
	return b, nil
}

// observeBench is the poll interval of the observer during a benchmark.
const observeBench = 100 * time.Millisecond

func (b *benchNetwork) close() error {
	for _, p := range b.pairs {
		p.close()
		p.t.observer.Close()
	}
	return b.network.Close()
}

// measure takes one measurement of pairs that share a new network.
func measure(ctx context.Context, c *Config, row benchRow, times int, name string, pairs []benchPair, cells []benchCell, progress func(format string, args ...any)) (err error) {
	b, err := openBench(ctx, c, name, pairs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	for i, p := range b.pairs {
		if err := p.warmUp(ctx, benchEndpoints...); judge(err) == Differs {
			// Failing calls are part of the measurement.
			cells[i].notes = append(cells[i].notes, err.Error())
		} else if err != nil {
			return err
		}
	}
	for round := range times {
		for i, p := range b.pairs {
			progress("%s: %s, %d of %d", row.name, pairs[i].name, round+1, times)
			o, note, err := row.take(ctx, p)
			if err != nil {
				return fmt.Errorf("%s: %w", pairs[i].name, err)
			}
			cells[i].total.merge(o)
			if note != "" {
				cells[i].notes = append(cells[i].notes, note)
			}
		}
	}
	return nil
}
