package runner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// A worker runs scenarios, one after the other. It keeps a server for those that share.
type worker struct {
	config Config
	ready  target.Ready
	number int

	shared *script.Shared // nil if there is none now
	opened int            // how many there have been
	notes  []string
}

// maxAttempts is how often a scenario runs at most if the machine is too slow for it.
const maxAttempts = 4

// run runs a scenario, unless the server does not declare its feature. ok is false if the
// run was canceled before the scenario ended.
func (w *worker) run(ctx context.Context, s scenario.Scenario) (r Result, ok bool) {
	if ctx.Err() != nil {
		return Result{}, false
	}
	if s.Feature != "" && !slices.Contains(w.ready.Features, s.Feature) {
		return Result{Scenario: s, Outcome: NotImplemented}, true
	}
	if w.config.Starting != nil {
		w.config.Starting(s.ID)
	}
	if w.config.Reuse && s.Reuse {
		r = w.runShared(ctx, s)
	} else {
		r = runOne(ctx, w.config, s, nil)
	}
	for attempt := 2; r.TooSlow && attempt <= maxAttempts && ctx.Err() == nil; attempt++ {
		w.note("%s runs again, attempt %d: %s", s.ID, attempt, r.Problem)
		os.RemoveAll(r.workDir) // it is there if Config.Keep is set
		r = runOne(ctx, w.config, s, nil)
	}
	return r, r.Outcome == Pass || ctx.Err() == nil
}

// runShared runs a scenario with the shared server, which it closes if the next scenario
// cannot use it.
func (w *worker) runShared(ctx context.Context, s scenario.Scenario) Result {
	if w.shared != nil && w.shared.Died() != "" {
		w.note("a shared server ended between two scenarios (%s)", w.shared.Died())
		w.closeShared()
	}
	if w.shared == nil {
		w.opened++
		dir := filepath.Join(w.config.Dir, fmt.Sprintf("shared-%d-%d", w.number, w.opened))
		shared, err := script.OpenShared(w.config.Config, dir)
		if err != nil {
			return Result{Scenario: s, Outcome: CouldNotTest, Problem: err.Error()}
		}
		w.shared = shared
	}
	r := runOne(ctx, w.config, s, w.shared)
	if w.config.Keep {
		r.Dir = w.shared.Dir()
	}
	if r.Outcome == CouldNotTest || r.Failure != nil && r.Failure.Dead {
		w.closeShared()
	}
	return r
}

// end stops the shared server, or kills it if the run was canceled.
func (w *worker) end(ctx context.Context) {
	if w.shared == nil {
		return
	}
	if ctx.Err() == nil {
		if err := w.shared.Stop(); err != nil {
			w.note("stopping a shared server: %v", err)
		}
	}
	w.closeShared()
}

// closeShared ends the shared server and its network, and removes its files unless they
// are kept.
func (w *worker) closeShared() {
	if err := w.shared.Close(); err != nil {
		w.note("closing the network of a shared server: %v", err)
	}
	if !w.config.Keep {
		os.RemoveAll(w.shared.Dir())
	}
	w.shared = nil
}

func (w *worker) note(format string, args ...any) {
	w.notes = append(w.notes, fmt.Sprintf(format, args...))
}
