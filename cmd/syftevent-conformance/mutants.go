package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// vital lists scenarios that every working server passes. A mutant must pass those that
// its defect is not listed to break: every scenario would catch a dead server.
var vital = []string{"detect-websocket", "publish-beside", "proc-faithful", "fail-status"}

// mutantFlags is the command line of mutants.
type mutantFlags struct {
	all, verbose bool
	parallel     int
	timescale    float64 // of scenarios expected to fail
	names        []string
}

func (f *mutantFlags) define(flags *flag.FlagSet) {
	flags.BoolVar(&f.all, "all", false, "run every scenario against each defect, except defects that break almost everything; without it, the listed ones and a few that every working server passes")
	flags.BoolVar(&f.verbose, "v", false, "show how each defect was caught")
	flags.IntVar(&f.parallel, "parallel", 4*runtime.GOMAXPROCS(0), "run up to `N` scenarios at once")
	flags.Float64Var(&f.timescale, "timescale", 0.2, "multiply the waits of scenarios expected to fail by `X`")
}

func parseMutants(args []string) (*mutantFlags, error) {
	f := &mutantFlags{}
	var err error
	if f.names, err = parseFlags(newFlags("mutants", f.define), args); err != nil {
		return nil, err
	}
	if f.parallel < 1 {
		return nil, usageError("-parallel %d: must be at least 1", f.parallel)
	}
	if !(f.timescale > 0 && f.timescale <= 1) {
		return nil, usageError("-timescale %v: must be more than 0 and at most 1", f.timescale)
	}
	return f, nil
}

// mutants runs the command mutants.
func mutants(ctx context.Context, args []string, stdout io.Writer) (int, error) {
	all, err := scenario.All()
	if err != nil {
		return 0, err
	}
	return prove(ctx, args, mutant.Defects, all, stdout)
}

// prove runs scenarios against the server without a defect, which must pass all, and
// then against each defect of a table.
func prove(ctx context.Context, args []string, table []mutant.Defect, scenarios []scenario.Scenario, stdout io.Writer) (int, error) {
	f, err := parseMutants(args)
	if err != nil {
		return 0, err
	}
	defects, err := selectDefects(table, f.names)
	if err != nil {
		return 0, err
	}
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
	fmt.Fprintf(stdout, "%d scenarios against the server without a defect\n", len(scenarios))
	if status, err := l.control(ctx, defects, stdout); status != exitOK || err != nil {
		return status, err
	}
	fmt.Fprintf(stdout, "all passed; now with one defect at a time: %d\n\n", len(defects))
	tally := l.expose(ctx, defects, stdout)
	if ctx.Err() != nil {
		return 0, errInterrupted
	}
	fmt.Fprintf(stdout, "\n%d of %d defects caught, in %v\n", tally.caught, len(defects), time.Since(began).Round(time.Second))
	if tally.untested > 0 {
		fmt.Fprintf(stdout, "could not test: %d\n", tally.untested)
	}
	if len(f.names) == 0 {
		printUnproven(stdout, table)
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

// printUnproven lists the server requirements that no defect violates.
func printUnproven(stdout io.Writer, table []mutant.Defect) {
	for _, r := range spec.Requirements() {
		if r.Class != "client" && !proven(r, table) {
			fmt.Fprintf(stdout, "unproven: %s (%s, %s): no defect violates it\n", r.ID, r.Level, r.Class)
		}
	}
}

// proven reports whether a defect violates r itself. A defect that breaks a scenario
// covering r may violate another requirement of that scenario.
func proven(r spec.Requirement, table []mutant.Defect) bool {
	return slices.ContainsFunc(table, func(d mutant.Defect) bool { return d.Requirement == r.ID })
}
