package runner

import (
	"context"
	"runtime"
	"sync"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// Run runs scenarios, some at a time, each with files and a server of its own unless
// config lets them share it. It gives the results to done in the order in which they
// come, one after the other, in the goroutine of the caller.
//
// When ctx is cancelled nothing new starts and what runs is broken off. What was
// broken off has no result, for it may have failed of that. Run returns when all
// that it started has ended.
func Run(ctx context.Context, config Config, ready target.Ready, scenarios []scenario.Scenario, done func(Result)) {
	next, results := make(chan scenario.Scenario), make(chan Result)
	var running sync.WaitGroup
	workers := make([]*worker, min(config.parallel(), len(scenarios)))
	for i := range workers {
		w := &worker{config: config, ready: ready, number: i}
		workers[i] = w
		running.Go(func() {
			for s := range next {
				if r, ok := w.run(ctx, s); ok {
					results <- r
				}
			}
			w.end(ctx)
		})
	}
	go func() { // ends when the scenarios are over, or ctx is
		defer close(results)
		defer running.Wait()
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
	for _, w := range workers {
		for _, note := range w.notes {
			if config.Note != nil {
				config.Note(note)
			}
		}
	}
}

func (c Config) parallel() int {
	if c.Parallel > 0 {
		return c.Parallel
	}
	return runtime.NumCPU()
}
