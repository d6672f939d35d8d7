package main

import (
	"context"
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

// vital are scenarios that tell whether a server works at all. Those of them that a
// defect is not listed to break must pass: a server that is quite dead would be
// caught by anything.
var vital = []string{"detect-websocket", "publish-beside", "proc-faithful", "fail-status"}

// mutantFlags are the command line of mutants.
type mutantFlags struct {
	all, verbose bool
	parallel     int
	timescale    float64 // of scenarios that are to fail
	names        []string
}

func parseMutants(args []string) (*mutantFlags, error) {
	f := &mutantFlags{}
	flags := newFlags("mutants")
	flags.BoolVar(&f.all, "all", false, "")
	flags.BoolVar(&f.verbose, "v", false, "")
	flags.IntVar(&f.parallel, "parallel", 4*runtime.GOMAXPROCS(0), "")
	flags.Float64Var(&f.timescale, "timescale", 0.2, "")
	var err error
	if f.names, err = parseFlags(flags, args); err != nil {
		return nil, err
	}
	if f.parallel < 1 {
		return nil, usageError("-parallel %d: must be more than 0", f.parallel)
	}
	if !(f.timescale > 0 && f.timescale <= 1) {
		return nil, usageError("-timescale %v: must be more than 0 and at most 1", f.timescale)
	}
	return f, nil
}

// mutants proves that every check can fail, and returns the exit status.
func mutants(ctx context.Context, args []string, stdout io.Writer) (int, error) {
	all, err := scenario.All()
	if err != nil {
		return 0, err
	}
	return prove(ctx, args, mutant.Defects, all, stdout)
}

// prove runs scenarios against the server without a defect, all of which must pass,
// and then against the defects of a table.
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
		return 0, fmt.Errorf("making a folder for the run: %w", err)
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
	fmt.Fprintf(stdout, "all pass; now with its defects, one at a time: %d\n\n", len(defects))
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

// selectDefects returns those of the names, or all if there are none.
func selectDefects(table []mutant.Defect, names []string) ([]mutant.Defect, error) {
	if len(names) == 0 {
		return table, nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(table, func(d mutant.Defect) bool { return d.Name == name }) {
			return nil, usageError("there is no defect %q", name)
		}
	}
	return slices.DeleteFunc(slices.Clone(table), func(d mutant.Defect) bool { return !slices.Contains(names, d.Name) }), nil
}

// printUnproven lists the requirements of servers that no defect violates.
func printUnproven(stdout io.Writer, table []mutant.Defect) {
	for _, r := range spec.Requirements() {
		if r.Class != "client" && !proven(r, table) {
			fmt.Fprintf(stdout, "unproven: %s (%s, %s): no defect violates it\n", r.ID, r.Level, r.Class)
		}
	}
}

// proven reports whether a defect violates a requirement. That one breaks a scenario
// which covers the requirement, too, is not enough: it may do so by another.
func proven(r spec.Requirement, table []mutant.Defect) bool {
	return slices.ContainsFunc(table, func(d mutant.Defect) bool { return d.Requirement == r.ID })
}
