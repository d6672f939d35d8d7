package runner

import (
	"context"
	"runtime"
	"sync"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// Run runs scenarios, several at once. Each has its own folder, and its own server unless
// Config.Reuse is set. Run calls done with each result, in order of completion and in the
// caller's goroutine. Scenarios that run beside others, and do not count, start first. The
// results of invariants come last.
//
// When ctx is canceled, Run starts no further scenario and cancels those that run. A
// canceled scenario has no result, and an invariant has one only if it was violated. Run
// returns once all goroutines and servers that it
// started have ended.
func Run(ctx context.Context, config Config, ready target.Ready, scenarios []scenario.Scenario, done func(Result)) {
	always := invariants{config: config}
	scenarios = always.take(scenarios)
	beside, scenarios := splitBeside(scenarios)
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
	for _, s := range beside {
		w := &worker{config: config, ready: ready, number: len(workers)}
		workers = append(workers, w)
		running.Go(func() {
			if r, ok := w.run(ctx, s); ok {
				results <- r
			}
			w.end(ctx)
		})
	}
	go func() { // ends after the last scenario, or with ctx
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
		always.add(r)
		done(r)
	}
	for _, r := range always.results() {
		if ctx.Err() == nil || r.Failure != nil {
			done(r)
		}
	}
	for _, w := range workers {
		for _, note := range w.notes {
			if config.Note != nil {
				config.Note(note)
			}
		}
	}
}

// splitBeside returns the scenarios that run beside others, and the others.
func splitBeside(scenarios []scenario.Scenario) (beside, others []scenario.Scenario) {
	for _, s := range scenarios {
		if s.Beside {
			beside = append(beside, s)
		} else {
			others = append(others, s)
		}
	}
	return beside, others
}

func (c Config) parallel() int {
	if c.Parallel > 0 {
		return c.Parallel
	}
	return runtime.NumCPU()
}
