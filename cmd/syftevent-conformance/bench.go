package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/bench"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// benchFlags are the command line of bench.
type benchFlags struct {
	dir     string
	runs    int
	idle    time.Duration
	name    string
	only    []string
	command []string // nil for the reference alone
}

func parseBench(args []string) (*benchFlags, error) {
	f := &benchFlags{}
	if i := slices.Index(args, "--"); i >= 0 {
		if f.command = args[i+1:]; len(f.command) == 0 {
			return nil, usageError("there is no COMMAND after --")
		}
		args = args[:i]
	}
	flags := newFlags("bench")
	flags.StringVar(&f.dir, "dir", os.TempDir(), "")
	flags.IntVar(&f.runs, "runs", 5, "")
	flags.DurationVar(&f.idle, "idle", time.Minute, "")
	flags.StringVar(&f.name, "name", "COMMAND", "")
	var err error
	if f.only, err = parseFlags(flags, args); err != nil {
		return nil, err
	}
	switch {
	case f.runs < 1:
		return nil, usageError("-runs %d: must be at least 1", f.runs)
	case f.idle <= 0:
		return nil, usageError("-idle %v: must be more than 0", f.idle)
	}
	if _, err := bench.Find(f.only); err != nil {
		return nil, usageError("%v", err)
	}
	if info, err := os.Stat(f.dir); err != nil || !info.IsDir() {
		return nil, usageError("-dir %s: there is no such folder", f.dir)
	}
	return f, nil
}

// measure is the command bench. What it has measured it prints as it goes.
func measure(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f, err := parseBench(args)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("looking for the program itself, to start the reference: %w", err)
	}
	const readyTimeout = 2 * time.Minute
	subjects := []bench.Subject{{Name: "reference", Command: target.Command{Args: []string{self, "serve"}, ReadyTimeout: readyTimeout}}}
	if f.command != nil {
		subjects = append(subjects, bench.Subject{Name: f.name, Command: target.Command{Args: f.command, ReadyTimeout: readyTimeout}})
	}
	subjects = append(subjects, bench.Bare)
	fmt.Fprintf(stdout, "%s/%s, %d processors, %s; %s is the file system's folder; the median of %d runs (least to most)\n\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), time.Now().Format(time.DateOnly), f.dir, f.runs)
	table := &bench.Table{Out: stdout, Subjects: subjects}
	table.Head()
	failed := false
	err = bench.Run(ctx, bench.Config{
		Dir: f.dir, Subjects: subjects, Runs: f.runs, Idle: f.idle, Measures: f.only,
		Progress: func(format string, args ...any) { fmt.Fprintf(stderr, format+"\n", args...) },
	}, func(row bench.Row) {
		table.Row(row)
		failed = failed || slices.ContainsFunc(row.Figures, func(figure bench.Figure) bool {
			return figure.Err != nil && figure.Subject == subjects[0].Name
		})
	})
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case err == nil && failed:
		return errors.New("could not measure all of the reference")
	}
	return err
}
