package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// A laboratory runs scenarios against mutants.
type laboratory struct {
	*mutantFlags
	dir       string
	program   string
	ready     target.Ready
	scenarios []scenario.Scenario
	// patient lists scenarios that the server without a defect does not pass within
	// the short time of scenarios expected to fail. They get the whole time.
	patient map[string]bool
	slots   chan struct{} // limits concurrent scenarios
}

// startTimeout limits how long a mutant takes to become ready.
const startTimeout = 30 * time.Second

func newLaboratory(ctx context.Context, f *mutantFlags, dir string, scenarios []scenario.Scenario) (*laboratory, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own executable: %w", err)
	}
	l := &laboratory{mutantFlags: f, dir: dir, program: self, scenarios: scenarios, patient: map[string]bool{}}
	l.slots = make(chan struct{}, f.parallel)
	config, err := l.config(mutant.None, 1)
	if err != nil {
		return nil, err
	}
	if l.ready, err = runner.Probe(ctx, config); err != nil {
		return nil, fmt.Errorf("could not test: %w", err)
	}
	return l, nil
}

// config returns the configuration of a mutant, with its own folder.
func (l *laboratory) config(defect string, timescale float64) (runner.Config, error) {
	dir := filepath.Join(l.dir, fmt.Sprintf("%s-%v", defect, timescale))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return runner.Config{}, fmt.Errorf("create folder for mutant: %w", err)
	}
	config := runner.Config{Dir: dir}
	config.Seed, config.Timescale = 1, timescale
	config.Command = target.Command{Args: []string{l.program, "mutant", defect}, ReadyTimeout: startTimeout}
	return config, nil
}

// run runs a scenario against a mutant as soon as a slot is free.
func (l *laboratory) run(ctx context.Context, defect string, s scenario.Scenario, timescale float64) runner.Result {
	l.slots <- struct{}{}
	defer func() { <-l.slots }()
	result := runner.Result{Scenario: s, Outcome: runner.CouldNotTest, Problem: "not run"}
	config, err := l.config(defect, timescale)
	if err != nil {
		result.Problem = err.Error()
		return result
	}
	chosen := []scenario.Scenario{s}
	if s.Always { // it is checked while others run
		chosen = slices.DeleteFunc(slices.Clone(l.scenarios), func(other scenario.Scenario) bool {
			return other.ID != s.ID && !slices.Contains(vital, other.ID)
		})
	}
	runner.Run(ctx, config, l.ready, chosen, func(r runner.Result) {
		if r.Scenario.ID == s.ID {
			result = r
		}
	})
	return result
}

// control runs all scenarios against the server without a defect. Scenarios expected to
// fail run again in their short time, because one that fails in it without a defect
// would prove nothing.
func (l *laboratory) control(ctx context.Context, defects []mutant.Defect, stdout io.Writer) (int, error) {
	whole := make([]runner.Result, len(l.scenarios))
	short := make([]runner.Result, len(l.scenarios))
	var all sync.WaitGroup
	for i, s := range l.scenarios {
		all.Go(func() { whole[i] = l.run(ctx, mutant.None, s, 1) })
		if l.timescale < 1 && slices.ContainsFunc(defects, func(d mutant.Defect) bool { return slices.Contains(d.Breaks, s.ID) }) {
			all.Go(func() { short[i] = l.run(ctx, mutant.None, s, l.timescale) })
		}
	}
	all.Wait()
	if ctx.Err() != nil {
		return 0, errInterrupted
	}
	status := exitOK
	for i, s := range l.scenarios {
		switch whole[i].Outcome {
		case runner.Pass, runner.NotApplicable:
		case runner.Fail, runner.Warn:
			status = exitUnexpected
			fmt.Fprintf(stdout, "WRONG: %s fails without a defect%s\n", s.ID, evidence(whole[i]))
		default:
			if status == exitOK {
				status = exitCouldNotTest
			}
			fmt.Fprintf(stdout, "COULD NOT TEST: %s without a defect%s\n", s.ID, evidence(whole[i]))
		}
		l.patient[s.ID] = short[i].Outcome != runner.Pass
	}
	return status, nil
}

// A tally counts defects.
type tally struct{ caught, untested int }

// expose runs the defects and prints the verdict on each, in their order.
func (l *laboratory) expose(ctx context.Context, defects []mutant.Defect, stdout io.Writer) tally {
	findings := make([]chan finding, len(defects))
	for i := range findings {
		findings[i] = make(chan finding, 1)
	}
	// Limit defects, too, so that they end roughly in order.
	turns := make(chan struct{}, l.parallel)
	go func() {
		for i, d := range defects {
			turns <- struct{}{}
			go func() {
				findings[i] <- l.examine(ctx, d)
				<-turns
			}()
		}
	}()
	var t tally
	for i, d := range defects {
		found := <-findings[i]
		if ctx.Err() != nil {
			return t
		}
		verdict := found.verdict()
		switch verdict {
		case caught:
			t.caught++
		case couldNotTest:
			t.untested++
		}
		fmt.Fprintf(stdout, "%3d/%d  %-14s  %-18s  %s\n", i+1, len(defects), verdict, d.Name, found.says())
		if verdict == caught && !l.verbose {
			continue
		}
		fmt.Fprintf(stdout, "    %s (SPEC.md [%s])\n", d.What, d.Requirement)
		for _, r := range found.results {
			if m := found.meaning(r); m != asListed && (m != caughtBy || l.verbose) {
				fmt.Fprintf(stdout, "    %s: %s%s\n", r.Scenario.ID, r.Outcome, evidence(r))
			}
		}
	}
	return t
}

// A finding holds the results of a defect.
type finding struct {
	defect  mutant.Defect
	results []runner.Result
}

// examine runs the scenarios that a defect is listed to break, and others that it must
// not break.
func (l *laboratory) examine(ctx context.Context, d mutant.Defect) finding {
	var chosen []scenario.Scenario
	for _, s := range l.scenarios {
		if slices.Contains(d.Breaks, s.ID) || !d.Broad && (l.all || slices.Contains(vital, s.ID)) {
			chosen = append(chosen, s)
		}
	}
	results := make([]runner.Result, len(chosen))
	var all sync.WaitGroup
	for i, s := range chosen {
		all.Go(func() {
			if slices.Contains(d.Breaks, s.ID) && !l.patient[s.ID] {
				// A scenario may need its whole time to fail.
				if results[i] = l.run(ctx, d.Name, s, l.timescale); results[i].Outcome != runner.Pass {
					return
				}
			}
			results[i] = l.run(ctx, d.Name, s, 1)
		})
	}
	all.Wait()
	return finding{d, results}
}

// The meanings of a result for a defect, as printed before the ids of scenarios.
const (
	caughtBy   = "by"
	escapes    = "passes:"
	alsoBreaks = "also breaks"
	untested   = "not tested:"
	asListed   = "" // passes as expected, or is not applicable
)

// meaning returns the meaning of a result for the defect.
func (f finding) meaning(r runner.Result) string {
	listed := slices.Contains(f.defect.Breaks, r.Scenario.ID)
	failed := r.Outcome == runner.Fail || r.Outcome == runner.Warn
	switch {
	case failed && listed:
		return caughtBy
	case failed:
		return alsoBreaks
	case r.Outcome == runner.Pass && listed:
		return escapes
	case r.Outcome == runner.CouldNotTest || r.Outcome == runner.NotImplemented:
		return untested
	}
	return asListed
}

// by returns the ids of scenarios by the meaning of their results.
func (f finding) by() map[string][]string {
	ids := map[string][]string{}
	for _, r := range f.results {
		m := f.meaning(r)
		ids[m] = append(ids[m], r.Scenario.ID)
	}
	return ids
}

// The verdicts on a defect.
const (
	caught       = "caught"
	escaped      = "ESCAPED"
	wrong        = "WRONG"
	couldNotTest = "COULD NOT TEST"
)

func (f finding) verdict() string {
	switch ids := f.by(); {
	case ids[escapes] != nil:
		return escaped
	case ids[alsoBreaks] != nil:
		return wrong
	case ids[untested] != nil:
		return couldNotTest
	}
	return caught
}

// says returns the scenarios behind the verdict.
func (f finding) says() string {
	var words []string
	ids := f.by()
	for _, m := range []string{caughtBy, escapes, alsoBreaks, untested} {
		if ids[m] != nil {
			words = append(words, m+" "+strings.Join(ids[m], ", "))
		}
	}
	if words == nil {
		return "none of its scenarios is applicable"
	}
	return strings.Join(words, "; ")
}

// evidence returns the details of a failure or problem, or "".
func evidence(r runner.Result) string {
	switch {
	case r.Failure != nil:
		return fmt.Sprintf("\n        at:        %s\n        expected:  %s\n        actual:    %s", r.Failure.Line, r.Failure.Expected, r.Failure.Actual)
	case r.Problem != "":
		return ": " + strings.ReplaceAll(r.Problem, "\n", "\n        ")
	}
	return ""
}
