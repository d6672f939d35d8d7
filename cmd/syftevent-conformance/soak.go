package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/known"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/soak"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/terminal"
)

// checkSoak returns an error for flags that -soak and -replay do not go with.
func (f *runFlags) checkSoak() error {
	if f.soak < 0 {
		return usageError("-soak %v: must be more than 0", f.soak)
	}
	switch {
	case f.name != "run": // smoke has no such flags
	case f.servers < 1:
		return usageError("-servers %d: must be at least 1", f.servers)
	case f.servers > 1 && f.soak == 0:
		return usageError("-servers needs -soak DURATION")
	case f.servers > 1 && f.role != target.Server:
		return usageError("-servers does not go with -role %s", f.role)
	}
	if f.soak == 0 && f.replay == "" {
		return nil
	}
	flag := "-soak"
	if f.replay != "" {
		flag = "-replay"
	}
	switch {
	case f.soak > 0 && f.replay != "":
		return usageError("-soak and -replay exclude each other")
	case len(f.selectors) > 0:
		return usageError("%s runs no scenario of the suite, but %q was given", flag, f.selectors)
	case f.reuse || f.updateKnown || f.failFast || f.reports != reportFlags{}:
		return usageError("%s does not go with -badge, -failfast, -json, -junit, -md, -reuse and -update-known", flag)
	case f.replay != "" && f.known != "":
		return usageError("-replay does not go with -known")
	}
	return nil
}

const (
	// shrinkTime is how long a failed round is reduced.
	shrinkTime = 3 * time.Minute
	// progressPause is the time between two lines of progress.
	progressPause = 10 * time.Second
)

// runSoak runs random scenarios.
func (f *runFlags) runSoak(ctx context.Context, config runner.Config, ready target.Ready, list *known.List, out *terminal.Output) (int, error) {
	servers := ""
	if f.servers > 1 {
		if !slices.Contains(ready.Features, "workers") {
			return 0, errors.New("could not test: the server does not declare the feature workers, which -servers needs")
		}
		servers = fmt.Sprintf(", %d servers", f.servers)
	}
	fmt.Fprintf(out, "%s %s: soak of %v with seed %d%s\n", ready.Implementation, ready.Version, f.soak, f.seed, servers)
	for _, kind := range append(soak.Kinds(), script.Invariants()...) {
		if entry := list.Entry(kind); entry != nil {
			fmt.Fprintf(out, "left out, as its failure is known: %s  # %s\n", kind, entry.Reason)
		}
	}
	began := time.Now()
	var last time.Time
	result, err := soak.Run(ctx, soak.Config{
		Config: config, Duration: f.soak, Servers: f.servers, Ready: ready, Shrink: shrinkTime,
		Without: func(kind string) bool { return list.Entry(kind) != nil },
		Progress: func(p soak.Progress) {
			line := fmt.Sprintf("%6v  %s", time.Since(began).Round(time.Second), progressText(p))
			switch {
			case f.quiet:
			case out.Screen().Live:
				out.Show(line)
			case time.Since(last) >= progressPause:
				last = time.Now()
				fmt.Fprintln(out, line)
			}
		},
	})
	switch {
	case err != nil:
		return 0, fmt.Errorf("could not test: %w", err)
	case result.Failure != nil:
		return exitUnexpected, f.showSoakFailure(result, out)
	case ctx.Err() != nil:
		fmt.Fprintf(out, "interrupted after %v: %s\n", time.Since(began).Round(time.Second), progressText(result.Progress))
		return 0, errInterrupted
	case result.Rounds == result.Inconclusive:
		return 0, errors.New("could not test: the machine is too slow for every round")
	}
	fmt.Fprintf(out, "no failure in %v: %s\n", time.Since(began).Round(time.Second), progressText(result.Progress))
	return exitOK, nil
}

func progressText(p soak.Progress) string {
	if p.Shrinking > 0 {
		return fmt.Sprintf("round %d failed; reduced to %d lines", p.Rounds, p.Shrinking)
	}
	text := fmt.Sprintf("%d rounds, %d requests, %d restarts", p.Rounds, p.Requests, p.Restarts)
	if p.Repeated > 0 {
		text += fmt.Sprintf(", %d rounds repeated because the server used ever more", p.Repeated)
	}
	if p.Inconclusive > 0 {
		text += fmt.Sprintf(", %d rounds too slow to tell", p.Inconclusive)
	}
	if p.Resources != (target.Resources{}) {
		text += fmt.Sprintf("; the server uses %v", p.Resources)
	}
	return text
}

// mostShown is the number of lines of a scenario that are printed.
const mostShown = 60

// showSoakFailure prints a failure, and writes the scenario that repeats it.
func (f *runFlags) showSoakFailure(result soak.Result, out *terminal.Output) error {
	name := fmt.Sprintf("soak-%d-%d.txtar", f.seed, result.Round)
	text := f.text(out)
	text.Reproduce = f.reproduceReplay(name)
	failure := *result.Failure
	failure.Scenario.ID = fmt.Sprintf("round %d", result.Round)
	fmt.Fprintln(out)
	text.Add(failure)
	if err := os.WriteFile(name, result.Script, 0o644); err != nil {
		return fmt.Errorf("write the scenario that failed: %w", err)
	}
	how := "fails again with a new server"
	if !result.Confirmed {
		how = "holds all rounds; a new server did not fail in the last one alone"
	}
	lines := bytes.SplitAfter(result.Script, []byte("\n"))
	fmt.Fprintf(out, "\nThis scenario %s:\n\n", how)
	for _, line := range lines[:min(len(lines), mostShown)] {
		fmt.Fprintf(out, "    %s", line)
	}
	if len(lines) > mostShown {
		fmt.Fprintf(out, "    (%d more lines)\n", len(lines)-mostShown)
	}
	fmt.Fprintf(out, "\nIt is in %s.\n", name)
	return nil
}

// reproduceReplay returns the command line that runs the scenario in a file, as a format that
// prints nothing of the scenario's id.
func (f *runFlags) reproduceReplay(file string) string {
	return strings.Replace(f.reproduce(), "%s", strings.ReplaceAll(quote("-replay="+file), "%", "%%")+"%.0s", 1)
}

// runReplay runs a scenario from a file.
func (f *runFlags) runReplay(ctx context.Context, config runner.Config, ready target.Ready, out *terminal.Output) (int, error) {
	data, err := os.ReadFile(f.replay)
	if err != nil {
		return 0, configError(fmt.Errorf("read the scenario: %w", err))
	}
	s := scenario.Scenario{ID: strings.TrimSuffix(filepath.Base(f.replay), ".txtar"), Script: data}
	result := runner.One(ctx, config, s, nil, func(string) bool { return false })
	if ctx.Err() != nil {
		return 0, errInterrupted
	}
	text := f.text(out)
	text.Reproduce = f.reproduceReplay(f.replay)
	text.Begin(ready, f.seed, []string{s.ID})
	text.Add(result)
	switch result.Outcome {
	case runner.Pass, runner.NotApplicable:
		return exitOK, nil
	case runner.CouldNotTest:
		return exitCouldNotTest, nil
	}
	return exitUnexpected, nil
}
