package experiment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/realbox"
	"github.com/syftevent/syftevent-go/fakebox"
)

// The networks that [Config.On] may name.
const (
	Real = "real"
	Fake = "fakebox"
)

// Config configures a run.
type Config struct {
	// Dir is the directory for the files of the run.
	Dir string
	// Binaries are the real SyftBox's programs. Required if On has [Real].
	Binaries realbox.Binaries
	// On are the networks to run on.
	On []string
	// Run selects experiments by name; nil means all.
	Run *regexp.Regexp
	// Full selects the full size of each experiment instead of the short one.
	Full bool
	// Server and Client are the commands of the library's server and client.
	Server, Client []string
	// PythonServer and PythonClient are the commands of the Python package's server and
	// client. Empty skips the experiments that need them.
	PythonServer, PythonClient []string
	// Command is the program syftevent. "" skips the experiments that need it.
	Command string
	// Parallel limits how many [Own] experiments run at once. Defaults to 4.
	Parallel int
	// Attempts is how often an experiment runs if its result is unexpected. Attempts
	// after the first run alone, after all others: a busy machine delays SyftBox and
	// the observer. Defaults to 1.
	Attempts int
	// Fake configures fakebox. The zero value behaves as SyftBox does.
	Fake fakebox.Config
	// Progress, if not nil, receives each result.
	Progress func(Result)
}

// Selected returns the experiments that the configuration selects.
func (c *Config) Selected() []Experiment {
	var selected []Experiment
	for _, e := range Table() {
		if c.Run != nil && !c.Run.MatchString(e.Name) || e.Python && len(c.PythonServer) == 0 || e.Command && c.Command == "" {
			continue
		}
		selected = append(selected, e)
	}
	return selected
}

// Run runs the selected experiments on each network and returns the results in the order
// of the table. It returns an error if ctx is canceled.
func Run(ctx context.Context, c Config) ([]Result, error) {
	if c.Parallel <= 0 {
		c.Parallel = 4
	}
	r := &runner{config: &c, slots: make(chan struct{}, c.Parallel), attempt: 1}
	selected := c.Selected()
	in := func(isolation Isolation) []Experiment {
		return slices.DeleteFunc(slices.Clone(selected), func(e Experiment) bool { return e.Isolation != isolation })
	}
	for _, kind := range c.On {
		if shared := in(Shared); len(shared) > 0 {
			r.group.Go(func() { r.network(ctx, kind, "shared", shared, true) })
		}
		for _, e := range in(Own) {
			r.group.Go(func() {
				r.slots <- struct{}{}
				defer func() { <-r.slots }()
				r.network(ctx, kind, e.Name, []Experiment{e}, true)
			})
		}
	}
	r.group.Wait()
	for _, kind := range c.On {
		if exclusive := in(Exclusive); len(exclusive) > 0 {
			r.network(ctx, kind, "exclusive", exclusive, false)
		}
	}
	r.retry(ctx)
	order := map[string]int{}
	for i, e := range Table() {
		order[e.Name] = i
	}
	slices.SortStableFunc(r.results, func(a, b Result) int {
		if d := order[a.Experiment.Name] - order[b.Experiment.Name]; d != 0 {
			return d
		}
		return slices.Index(c.On, a.Network) - slices.Index(c.On, b.Network)
	})
	return r.results, context.Cause(ctx)
}

type runner struct {
	config *Config
	slots  chan struct{}
	group  sync.WaitGroup
	// attempt is the number of the attempt; only retry changes it.
	attempt int

	mu      sync.Mutex
	results []Result
}

func (r *runner) add(result Result) {
	result.Attempt = r.attempt
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results = append(r.results, result)
	if r.config.Progress != nil {
		r.config.Progress(result)
	}
}

// retry repeats the experiments whose results are unexpected.
func (r *runner) retry(ctx context.Context) {
	for attempt := 2; attempt <= r.config.Attempts; attempt++ {
		results := r.results
		r.results = nil
		for _, result := range results {
			if len(Unexpected([]Result{result}, Known)) == 0 {
				r.results = append(r.results, result)
				continue
			}
			name := fmt.Sprintf("%s-attempt-%d", result.Experiment.Name, attempt)
			r.attempt = attempt
			r.network(ctx, result.Network, name, []Experiment{result.Experiment}, false)
		}
	}
}

func (c *Config) start(ctx context.Context, kind, dir string, apps apps) (Network, error) {
	switch kind {
	case Real:
		return startReal(ctx, c.Binaries, dir, apps)
	case Fake:
		return startFake(ctx, c.Fake, dir, apps)
	}
	return nil, fmt.Errorf("unknown network %q", kind)
}

// network runs experiments on a new network.
func (r *runner) network(ctx context.Context, kind, name string, experiments []Experiment, parallel bool) {
	if ctx.Err() != nil {
		return
	}
	dir := filepath.Join(r.config.Dir, kind, name)
	var names apps
	for _, e := range experiments {
		names = append(names, e.app())
	}
	err := os.MkdirAll(dir, 0o755)
	var network Network
	if err == nil {
		network, err = r.config.start(ctx, kind, filepath.Join(dir, "box"), names)
	}
	if err != nil {
		for _, e := range experiments {
			r.add(Result{Experiment: e, Network: kind, Verdict: Failed, Err: err, Dir: dir})
		}
		return
	}
	defer network.Close()
	var group sync.WaitGroup
	var shared *turns
	if parallel && len(experiments) > 1 {
		shared = &turns{}
	}
	for _, e := range experiments {
		released := make(chan struct{})
		release := sync.OnceFunc(func() { close(released) })
		group.Go(func() {
			defer release()
			r.add(r.experiment(ctx, kind, network, e, dir, release, shared))
		})
		if !parallel {
			<-released
		}
	}
	group.Wait()
}

// Poll intervals of the observer. Shared experiments run concurrently, so their observers
// poll less often.
const (
	observeShared = 10 * time.Millisecond
	observeOwn    = 2 * time.Millisecond
)

func (r *runner) experiment(ctx context.Context, kind string, network Network, e Experiment, dir string, release func(), shared *turns) Result {
	result := Result{Experiment: e, Network: kind, Dir: filepath.Join(dir, e.Name)}
	began := time.Now()
	fail := func(err error) Result {
		result.Verdict, result.Err, result.Took = judge(err), err, time.Since(began)
		return result
	}
	if err := os.MkdirAll(result.Dir, 0o755); err != nil {
		return fail(err)
	}
	roots := map[string]string{}
	for _, email := range people {
		roots[email] = network.Datasites(email)
	}
	interval := observeOwn
	if e.Isolation == Shared {
		interval = observeShared
	}
	t := &trial{
		network: network, kind: kind, config: r.config, app: e.app(), dir: result.Dir, release: release, turns: shared,
		observer: observe(roots, Bob+"/app_data/"+e.app(), interval),
	}
	err := e.run(ctx, t)
	t.observer.Close()
	err = errors.Join(err, t.observer.err, t.observer.writeTimeline(result.Dir))
	result.Seen = t.report()
	return fail(err)
}
