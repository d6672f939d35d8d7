package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutantclient"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/terminal"
)

// busy lists scenarios that run beside the vital ones while an invariant is checked: handlers record
// what they run, and there are many responses.
var busy = map[target.Role][]string{
	target.Server: {"proc-once", "detect-burst"},
	target.Client: {"call-collect", "call-concurrent", "call-faithful", "call-path"},
}

// vital lists scenarios that every working server, or client, passes. A mutant must pass those that
// its defect is not listed to break: every scenario would catch a dead server.
var vital = map[target.Role][]string{
	target.Server: {"detect-websocket", "publish-beside", "proc-faithful", "fail-status"},
	target.Client: {"call-envelope", "call-unique"},
}

// tables are the defects of each role.
var tables = map[target.Role][]mutant.Defect{target.Server: mutant.Defects, target.Client: mutantclient.Defects}

// mutantFlags is the command line of mutants.
type mutantFlags struct {
	all, verbose bool
	blind        bool // only those of mutant.Blind
	role         target.Role
	parallel     int
	timescale    float64 // of scenarios expected to fail
	soakTime     time.Duration
	sample       int // of the defects that no scenario finds; negative for all
	names        []string
}

func (f *mutantFlags) define(flags *flag.FlagSet) {
	flags.BoolVar(&f.all, "all", false, "run every scenario against each defect, except defects that break almost everything; without it, the listed ones and a few that every working server passes")
	flags.TextVar(&f.role, "role", target.Server, "run the defects of the `ROLE` server or client")
	flags.BoolVar(&f.blind, "blind", false, "run only the defects that were written without reading the scenarios")
	flags.BoolVar(&f.verbose, "v", false, "show how each defect was caught")
	flags.IntVar(&f.parallel, "parallel", 4*runtime.GOMAXPROCS(0), "run up to `N` scenarios at once")
	flags.DurationVar(&f.soakTime, "soak", 2*time.Minute, "soak each defect that no scenario finds for up to `DURATION`, or 18 rounds if they take longer; 0 leaves them out")
	flags.IntVar(&f.sample, "sample", -1, "soak only `N` of these defects, chosen at random (default all)")
	flags.Float64Var(&f.timescale, "timescale", 0.2, "multiply the waits of scenarios expected to fail by `X`")
}

func parseMutants(args []string) (*mutantFlags, error) {
	f := &mutantFlags{}
	var err error
	if f.names, err = parseFlags(cmdline.NewFlags("mutants", f.define), args); err != nil {
		return nil, err
	}
	if f.parallel < 1 {
		return nil, usageError("-parallel %d: must be at least 1", f.parallel)
	}
	if f.soakTime < 0 {
		return nil, usageError("-soak %v: must not be negative", f.soakTime)
	}
	if f.blind && f.role != target.Server {
		return nil, usageError("-blind: there are no such defects of clients")
	}
	if f.blind && len(f.names) > 0 {
		return nil, usageError("-blind and names of defects exclude each other")
	}
	if !(f.timescale > 0 && f.timescale <= 1) {
		return nil, usageError("-timescale %v: must be more than 0 and at most 1", f.timescale)
	}
	return f, nil
}

// mutants runs the command mutants.
func mutants(ctx context.Context, args []string, stdout io.Writer) (int, error) {
	f, err := parseMutants(args)
	if err != nil {
		return 0, err
	}
	all, err := scenario.All()
	if err != nil {
		return 0, err
	}
	return f.prove(ctx, tables[f.role], scenario.Of(f.role, all), stdout)
}

// soaked leaves out the defects that need a soak and are not to get one.
func (f *mutantFlags) soaked(defects []mutant.Defect) []mutant.Defect {
	var soaked []string
	for _, d := range defects {
		if d.Soak {
			soaked = append(soaked, d.Name)
		}
	}
	limit := len(soaked)
	switch {
	case f.soakTime == 0:
		limit = 0
	case f.sample >= 0:
		limit = min(f.sample, limit)
	}
	rand.Shuffle(len(soaked), func(i, j int) { soaked[i], soaked[j] = soaked[j], soaked[i] })
	return slices.DeleteFunc(slices.Clone(defects), func(d mutant.Defect) bool { return slices.Contains(soaked[limit:], d.Name) })
}

// prove runs scenarios against the server or client without a defect, which must pass all, and
// then against each defect of a table.
func (f *mutantFlags) prove(ctx context.Context, table []mutant.Defect, scenarios []scenario.Scenario, stdout io.Writer) (int, error) {
	names := f.names
	if f.blind {
		names = defectNames(mutant.Blind)
	}
	defects, err := selectDefects(table, names)
	if err != nil {
		return 0, err
	}
	defects = f.soaked(defects)
	dir, err := os.MkdirTemp("", "syftevent-mutants-")
	if err != nil {
		return 0, fmt.Errorf("create folder for the run: %w", err)
	}
	defer os.RemoveAll(dir)
	l, err := newLaboratory(ctx, f, dir, scenarios)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	out := terminal.NewOutput(stdout, screenOf(stdout))
	fmt.Fprintf(out, "%d scenarios against the %s without a defect\n", len(scenarios), f.role)
	if status, err := l.control(ctx, defects, out); status != exitOK || err != nil {
		return status, err
	}
	fmt.Fprintf(out, "all passed; now with one defect at a time: %d\n\n", len(defects))
	tally := l.expose(ctx, defects, out)
	if ctx.Err() != nil {
		fmt.Fprintf(out, "\n%d of %d defects caught before the interruption\n", tally.caught, len(defects))
		return 0, errInterrupted
	}
	fmt.Fprintf(out, "\n%d of %d defects caught, in %v\n", tally.caught, len(defects), time.Since(began).Round(time.Second))
	if tally.untested > 0 {
		fmt.Fprintf(out, "could not test: %d\n", tally.untested)
	}
	if len(names) == 0 {
		printUnproven(out, f.role, table)
	}
	switch {
	case tally.caught+tally.untested < len(defects):
		return exitUnexpected, nil
	case tally.untested > 0:
		return exitCouldNotTest, nil
	}
	return exitOK, nil
}

// selectDefects returns the named defects, by default all.
func selectDefects(table []mutant.Defect, names []string) ([]mutant.Defect, error) {
	if len(names) == 0 {
		return table, nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(table, func(d mutant.Defect) bool { return d.Name == name }) {
			return nil, unknownName("defect", name, defectNames(table))
		}
	}
	return slices.DeleteFunc(slices.Clone(table), func(d mutant.Defect) bool { return !slices.Contains(names, d.Name) }), nil
}

// printUnproven lists the requirements of a role that no defect violates.
func printUnproven(stdout io.Writer, role target.Role, table []mutant.Defect) {
	for _, r := range spec.Requirements() {
		if (r.Class == "client") == (role == target.Client) && !proven(r, table) {
			fmt.Fprintf(stdout, "unproven: %s (%s, %s): no defect violates it\n", r.ID, r.Level, r.Class)
		}
	}
}

// proven reports whether a defect violates r itself. A defect that breaks a scenario
// covering r may violate another requirement of that scenario.
func proven(r spec.Requirement, table []mutant.Defect) bool {
	return slices.ContainsFunc(table, func(d mutant.Defect) bool { return d.Requirement == r.ID })
}
