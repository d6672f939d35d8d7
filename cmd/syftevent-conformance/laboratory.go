package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/soak"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/terminal"
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
	soaks   chan struct{} // limits concurrent soaks, which keep a processor busy
}

// mutantNames are plain: a defect in reading an unusual address must not break every scenario.
var mutantNames = script.Names{Server: "owner@example.com", Client: "caller@example.com", App: "notes"}

// startTimeout limits how long a mutant takes to become ready.
const startTimeout = 30 * time.Second

func newLaboratory(ctx context.Context, f *mutantFlags, dir string, scenarios []scenario.Scenario) (*laboratory, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own executable: %w", err)
	}
	l := &laboratory{mutantFlags: f, dir: dir, program: self, scenarios: scenarios, patient: map[string]bool{}}
	l.slots = make(chan struct{}, f.parallel)
	l.soaks = make(chan struct{}, min(f.parallel, runtime.GOMAXPROCS(0)))
	config, err := l.config(mutant.None, 1)
	if err != nil {
		return nil, err
	}
	if l.ready, err = runner.Probe(ctx, config); err != nil {
		return nil, fmt.Errorf("could not test: %w", err)
	}
	return l, nil
}

// config returns the configuration of one run of a mutant, with a folder of its own: scenarios that
// run at the same time may be the same.
func (l *laboratory) config(defect string, timescale float64) (runner.Config, error) {
	dir, err := os.MkdirTemp(l.dir, defect+"-")
	if err != nil {
		return runner.Config{}, fmt.Errorf("create folder for mutant: %w", err)
	}
	config := runner.Config{Dir: dir}
	config.Seed, config.Timescale, config.Role = 1, timescale, l.role
	config.Names = mutantNames
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
			return other.ID != s.ID && !slices.Contains(vital[l.role], other.ID) && !slices.Contains(busy[l.role], other.ID)
		})
	}
	runner.Run(ctx, config, l.ready, chosen, func(r runner.Result) {
		if r.Scenario.ID == s.ID {
			result = r
		}
	})
	return result
}

// leastRounds is the number of rounds that a soak of a mutant has, however slow the machine is. It is
// the end of the second cycle, in which a server lives long enough for a leak to show.
const leastRounds = 18

// soak runs a soak against a number of servers with a defect when it is its turn.
func (l *laboratory) soak(ctx context.Context, defect string, servers int) (soak.Result, error) {
	l.soaks <- struct{}{}
	defer func() { <-l.soaks }()
	config, err := l.config(defect, 1)
	if err != nil {
		return soak.Result{}, err
	}
	return soak.Run(ctx, soak.Config{
		Config: config, Duration: l.soakTime, Rounds: leastRounds, Servers: servers, Ready: l.ready,
		// A mutant lists all files in each scan, and 20,000 pairs take it a minute.
		Without: func(kind string) bool { return kind == soak.Backlog },
	})
}

// control runs all scenarios against the server without a defect. Scenarios expected to
// fail run again in their short time, because one that fails in it without a defect
// would prove nothing.
func (l *laboratory) control(ctx context.Context, defects []mutant.Defect, out *terminal.Output) (int, error) {
	progress := &progress{out: out, total: len(l.scenarios)}
	whole := make([]runner.Result, len(l.scenarios))
	short := make([]runner.Result, len(l.scenarios))
	var all sync.WaitGroup
	for i, s := range l.scenarios {
		all.Go(func() {
			whole[i] = l.run(ctx, mutant.None, s, 1)
			progress.ended(s.ID, failed(whole[i]))
		})
		if l.timescale < 1 && slices.ContainsFunc(defects, func(d mutant.Defect) bool { return slices.Contains(d.Breaks, s.ID) }) {
			all.Go(func() { short[i] = l.run(ctx, mutant.None, s, l.timescale) })
		}
	}
	soaks := map[int]*finding{} // by the number of servers
	for _, d := range defects {
		if found := new(finding); d.Soak && soaks[d.Servers] == nil {
			soaks[d.Servers] = found
			all.Go(func() { found.soaked, found.soakErr = l.soak(ctx, mutant.None, d.Servers) })
		}
	}
	all.Wait()
	progress.end()
	// The scenarios load the machine. A failure that this has caused does not show again alone.
	for i, s := range l.scenarios {
		if failed(whole[i]) && ctx.Err() == nil {
			fmt.Fprintf(out, "%s failed without a defect, once more alone:%s\n", s.ID, evidence(whole[i]))
			whole[i] = l.run(ctx, mutant.None, s, 1)
		}
	}
	if ctx.Err() != nil {
		return 0, errInterrupted
	}
	status := exitOK
	for servers, found := range soaks {
		switch {
		case found.soakErr != nil:
			status = exitCouldNotTest
			fmt.Fprintf(out, "COULD NOT TEST: a soak of %d servers without a defect: %v\n", max(1, servers), found.soakErr)
		case found.soaked.Failure != nil:
			status = exitUnexpected
			fmt.Fprintf(out, "WRONG: round %d of a soak of %d servers fails without a defect%s\n", found.soaked.Round, max(1, servers), evidence(*found.soaked.Failure))
		}
	}
	for i, s := range l.scenarios {
		switch whole[i].Outcome {
		case runner.Pass, runner.NotApplicable:
		case runner.Fail, runner.Warn:
			status = exitUnexpected
			fmt.Fprintf(out, "WRONG: %s fails without a defect%s\n", s.ID, evidence(whole[i]))
		default:
			if status == exitOK {
				status = exitCouldNotTest
			}
			fmt.Fprintf(out, "COULD NOT TEST: %s without a defect%s\n", s.ID, evidence(whole[i]))
		}
		l.patient[s.ID] = short[i].Outcome != runner.Pass
	}
	return status, nil
}

// A tally counts defects.
type tally struct{ caught, untested int }

// expose runs the defects and prints the verdict on each, in their order.
func (l *laboratory) expose(ctx context.Context, defects []mutant.Defect, out *terminal.Output) tally {
	progress := &progress{out: out, total: len(defects)}
	defer progress.end()
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
				progress.started(d.Name)
				found := l.examine(ctx, d)
				progress.ended(d.Name, found.verdict() != caught)
				findings[i] <- found
				<-turns
			}()
		}
	}()
	var t tally
	for i, d := range defects {
		found := <-findings[i]
		verdict := found.verdict()
		if verdict != caught && ctx.Err() == nil {
			// On a busy machine a defect may show too late.
			fmt.Fprintf(out, "%s: %s, once more\n", d.Name, verdict)
			found = l.examine(ctx, d)
			verdict = found.verdict()
		}
		if ctx.Err() != nil {
			return t
		}
		switch verdict {
		case caught:
			t.caught++
		case couldNotTest:
			t.untested++
		}
		fmt.Fprintf(out, "%3d/%d  %s  %-18s  %s\n", i+1, len(defects),
			out.Screen().Paint(verdictColors[verdict], fmt.Sprintf("%-14s", verdict)), d.Name, found.says())
		if verdict == caught && !l.verbose {
			continue
		}
		fmt.Fprintf(out, "    %s (SPEC.md [%s])\n", d.What, d.Requirement)
		if failed := found.soaked.Failure; failed != nil {
			fmt.Fprintf(out, "    round %d of a soak%s\n", found.soaked.Round, evidence(*failed))
		}
		for _, r := range found.results {
			if m := found.meaning(r); m != asListed && (m != caughtBy || l.verbose) {
				fmt.Fprintf(out, "    %s: %s%s\n", r.Scenario.ID, r.Outcome, evidence(r))
			}
		}
	}
	return t
}

// A finding holds the results of a defect.
type finding struct {
	defect  mutant.Defect
	results []runner.Result
	soaked  soak.Result // of a defect that only a soak finds
	soakErr error
}

// examine runs the scenarios that a defect is listed to break, and others that it must
// not break.
func (l *laboratory) examine(ctx context.Context, d mutant.Defect) finding {
	if d.Soak {
		soaked, err := l.soak(ctx, d.Name, d.Servers)
		return finding{defect: d, soaked: soaked, soakErr: err}
	}
	var chosen []scenario.Scenario
	for _, s := range l.scenarios {
		if slices.Contains(d.Breaks, s.ID) || !d.Broad && (l.all || slices.Contains(vital[l.role], s.ID)) {
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
	return finding{defect: d, results: results}
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
	switch {
	case failed(r) && listed:
		return caughtBy
	case failed(r):
		return alsoBreaks
	case r.Outcome == runner.Pass && listed:
		return escapes
	case r.Outcome == runner.CouldNotTest || r.Outcome == runner.NotImplemented:
		return untested
	}
	return asListed
}

// failed reports whether the server violates a requirement.
func failed(r runner.Result) bool { return r.Outcome == runner.Fail || r.Outcome == runner.Warn }

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

// verdictColors are the colors of the verdicts on a terminal.
var verdictColors = map[string]terminal.Color{
	caught: terminal.Green, escaped: terminal.Red, wrong: terminal.Red, couldNotTest: terminal.Yellow,
}

func (f finding) verdict() string {
	switch {
	case !f.defect.Soak:
	case f.soakErr != nil:
		return couldNotTest
	case f.soaked.Failure == nil:
		return escaped
	default:
		return caught
	}
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
	switch {
	case !f.defect.Soak:
	case f.soakErr != nil:
		return f.soakErr.Error()
	case f.soaked.Failure == nil:
		return fmt.Sprintf("passes: %d rounds of a soak", f.soaked.Rounds)
	default:
		return fmt.Sprintf("by round %d of a soak", f.soaked.Round)
	}
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
		text := ""
		for _, line := range [][2]string{{"at:", r.Failure.Line}, {"expected:", r.Failure.Expected}, {"actual:", r.Failure.Actual}} {
			text += fmt.Sprintf("\n        %-10s %s", line[0], strings.ReplaceAll(line[1], "\n", "\n"+strings.Repeat(" ", 19)))
		}
		return text
	case r.Problem != "":
		return ": " + strings.ReplaceAll(r.Problem, "\n", "\n        ")
	}
	return ""
}
