package runner

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// Run runs scenarios, some at a time, each with files and a server of its own. It
// gives the results to done in the order in which they come, one after the other,
// in the goroutine of the caller.
//
// When ctx is cancelled nothing new starts and what runs is broken off. What was
// broken off has no result, for it may have failed of that. Run returns when all
// that it started has ended.
func Run(ctx context.Context, config Config, ready target.Ready, scenarios []scenario.Scenario, done func(Result)) {
	next, results := make(chan scenario.Scenario), make(chan Result)
	var workers sync.WaitGroup
	for range min(config.parallel(), len(scenarios)) {
		workers.Go(func() {
			for s := range next {
				if r, ok := runIfDeclared(ctx, config, ready, s); ok {
					results <- r
				}
			}
		})
	}
	go func() { // ends when the scenarios are over, or ctx is
		defer close(results)
		defer workers.Wait()
		defer close(next)
		for _, s := range scenarios {
			select {
			case next <- s:
			case <-ctx.Done():
				return
			}
		}
	}()
	for r := range results {
		done(r)
	}
}

func (c Config) parallel() int {
	if c.Parallel > 0 {
		return c.Parallel
	}
	return runtime.NumCPU()
}

// runIfDeclared runs a scenario, unless the server does not declare its feature.
// There is no result if the run was cancelled before its end.
func runIfDeclared(ctx context.Context, config Config, ready target.Ready, s scenario.Scenario) (r Result, ok bool) {
	if ctx.Err() != nil {
		return Result{}, false
	}
	if s.Feature != "" && !slices.Contains(ready.Features, s.Feature) {
		return Result{Scenario: s, Outcome: NotImplemented}, true
	}
	r = runOne(ctx, config, s)
	return r, r.Outcome == Pass || ctx.Err() == nil
}
