package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/bench"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// benchFlags is the command line of bench.
type benchFlags struct {
	dir     string
	runs    int
	idle    time.Duration
	name    string
	svg     string
	only    []string
	command []string // nil means the reference alone
}

func (f *benchFlags) define(flags *flag.FlagSet) {
	flags.StringVar(&f.dir, "dir", os.TempDir(), "create files in `DIR`, on the file system to measure")
	flags.IntVar(&f.runs, "runs", 5, "measure each figure `N` times, idle figures once")
	flags.DurationVar(&f.idle, "idle", time.Minute, "observe an idle server for `DURATION`")
	flags.StringVar(&f.svg, "svg", "", "draw latency and idle cost into `FILE`, an SVG picture")
	flags.StringVar(&f.name, "name", "COMMAND", "call COMMAND `NAME` in the table")
}

// benchDetails lists the measures.
func benchDetails() string {
	var small, large []string
	for _, m := range bench.Measures {
		if m.IsLarge() {
			large = append(large, m.Name)
		} else {
			small = append(small, m.Name)
		}
	}
	return "Bench measures the embedded reference server, a bare loop and, if given, COMMAND in\n" +
		"one run. The default is every MEASURE of these:\n  " + strings.Join(small, " ") + "\n" +
		"These take minutes, and are taken only if they are named:\n  " + strings.Join(large, " ") + "\n"
}

func parseBench(args []string) (*benchFlags, error) {
	f := &benchFlags{}
	args, command, err := cutCommand(args)
	if err != nil {
		return nil, err
	}
	f.command = command
	if f.only, err = parseFlags(cmdline.NewFlags("bench", f.define), args); err != nil {
		return nil, err
	}
	switch {
	case f.runs < 1:
		return nil, usageError("-runs %d: must be at least 1", f.runs)
	case f.idle <= 0:
		return nil, usageError("-idle %v: must be more than 0", f.idle)
	}
	measures, err := bench.Find(f.only)
	if err != nil {
		return nil, usageError("%v", err)
	}
	if f.svg != "" {
		if err := bench.CheckCurves(measures); err != nil {
			return nil, usageError("-svg %s: %v", f.svg, err)
		}
	}
	if info, err := os.Stat(f.dir); err != nil || !info.IsDir() {
		return nil, usageError("-dir %s: no such folder", f.dir)
	}
	return f, nil
}

// measure runs bench. It prints each figure as soon as it is measured.
func measure(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f, err := parseBench(args)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own executable: %w", err)
	}
	const readyTimeout = 2 * time.Minute
	subjects := []bench.Subject{{Name: "reference", Command: target.Command{Args: []string{self, "serve"}, ReadyTimeout: readyTimeout}}}
	if f.command != nil {
		subjects = append(subjects, bench.Subject{Name: f.name, Command: target.Command{Args: f.command, ReadyTimeout: readyTimeout}})
	}
	subjects = append(subjects, bench.Bare)
	fmt.Fprintf(stdout, "%s/%s, %d processors, %s; files in %s; median of %d runs (minimum to maximum)\n\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), time.Now().Format(time.DateOnly), f.dir, f.runs)
	table := &bench.Table{Out: stdout, Subjects: subjects}
	table.Head()
	if f.svg != "" { // better now than after the last measure
		if err := os.WriteFile(f.svg, nil, 0o644); err != nil {
			return fmt.Errorf("-svg: %w", err)
		}
	}
	failed := false
	var rows []bench.Row
	err = bench.Run(ctx, bench.Config{
		Dir: f.dir, Subjects: subjects, Runs: f.runs, Idle: f.idle, Measures: f.only,
		Progress: func(format string, args ...any) { fmt.Fprintf(stderr, format+"\n", args...) },
	}, func(row bench.Row) {
		table.Row(row)
		rows = append(rows, row)
		failed = failed || slices.ContainsFunc(row.Figures, func(figure bench.Figure) bool {
			return figure.Err != nil && figure.Subject == subjects[0].Name
		})
	})
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case err == nil && failed:
		return errors.New("some figures of the reference could not be measured")
	case err == nil && f.svg != "":
		return drawCharts(f.svg, subjects, rows)
	}
	return err
}

func drawCharts(name string, subjects []bench.Subject, rows []bench.Row) error {
	var picture bytes.Buffer
	if err := bench.DrawCharts(&picture, subjects, rows); err != nil {
		return fmt.Errorf("draw %s: %w", name, err)
	}
	return os.WriteFile(name, picture.Bytes(), 0o644)
}
