package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/experiment"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/realbox"
)

// realFlags are the command line of real.
type realFlags struct {
	config  experiment.Config
	syftbox string
	python  string
	targets string
	dir     string
	bench   bool
	rounds  int
	keep    bool
}

func parseReal(args []string) (*realFlags, error) {
	f := &realFlags{}
	on, pattern := "", ""
	flags := newFlags("real")
	flags.StringVar(&f.syftbox, "syftbox", "", "")
	flags.StringVar(&on, "on", experiment.Real+","+experiment.Fake, "")
	flags.StringVar(&pattern, "run", "", "")
	flags.BoolVar(&f.config.Full, "full", false, "")
	flags.IntVar(&f.config.Parallel, "parallel", 4, "")
	flags.IntVar(&f.config.Attempts, "attempts", 1, "")
	flags.StringVar(&f.python, "python", "", "")
	flags.StringVar(&f.targets, "targets", filepath.Join("testdata", "targets", "python"), "")
	flags.StringVar(&f.dir, "dir", os.TempDir(), "")
	flags.BoolVar(&f.bench, "bench", false, "")
	flags.IntVar(&f.rounds, "rounds", 3, "")
	flags.BoolVar(&f.keep, "keep", false, "")
	words, err := parseFlags(flags, args)
	if err != nil {
		return nil, err
	}
	if len(words) > 0 {
		return nil, usageError("real takes no arguments, not %q", words)
	}
	f.config.On = strings.Split(on, ",")
	for _, kind := range f.config.On {
		if kind != experiment.Real && kind != experiment.Fake {
			return nil, usageError("-on %s: there is no network %q, only %s and %s", on, kind, experiment.Real, experiment.Fake)
		}
	}
	if f.config.Run, err = regexp.Compile(pattern); err != nil {
		return nil, usageError("-run %s: %v", pattern, err)
	}
	switch {
	case f.syftbox == "" && (f.bench || slices.Contains(f.config.On, experiment.Real)):
		return nil, usageError("real wants -syftbox DIR, a checkout of OpenMined/syftbox")
	case f.rounds < 1:
		return nil, usageError("-rounds %d: must be at least 1", f.rounds)
	case f.config.Attempts < 1:
		return nil, usageError("-attempts %d: must be at least 1", f.config.Attempts)
	case f.config.Parallel < 1:
		return nil, usageError("-parallel %d: must be at least 1", f.config.Parallel)
	}
	if info, err := os.Stat(f.dir); err != nil || !info.IsDir() {
		return nil, usageError("-dir %s: there is no such folder", f.dir)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("look for the program itself: %w", err)
	}
	f.config.Server, f.config.Client = []string{self, "serve"}, []string{self, "client"}
	if f.python != "" {
		f.config.PythonServer = []string{f.python, filepath.Join(f.targets, "server.py")}
		f.config.PythonClient = []string{f.python, filepath.Join(f.targets, "client.py")}
		for _, path := range []string{f.config.PythonServer[1], f.config.PythonClient[1]} {
			if _, err := os.Stat(path); err != nil {
				return nil, usageError("-python wants -targets, the folder testdata/targets/python of this project: %v", err)
			}
		}
	}
	if len(f.config.Selected()) == 0 {
		return nil, usageError("-run %s selects no experiment", pattern)
	}
	return f, nil
}

// runReal is the command real. It returns the exit status.
func runReal(ctx context.Context, args []string, stdout, stderr io.Writer) (status int, err error) {
	f, err := parseReal(args)
	if err != nil {
		return 0, err
	}
	progress := func(format string, args ...any) { fmt.Fprintf(stderr, format+"\n", args...) }
	if f.syftbox != "" {
		if f.config.Binaries, err = realbox.Build(ctx, f.syftbox, progress); err != nil {
			return 0, err
		}
	}
	if f.config.Dir, err = os.MkdirTemp(f.dir, "syftevent-real-"); err != nil {
		return 0, err
	}
	keep := f.keep
	defer func() {
		if keep {
			progress("the files of the run are in %s", f.config.Dir)
			return
		}
		os.RemoveAll(f.config.Dir)
	}()
	fmt.Fprintf(stdout, "%s/%s, %d processors, %s\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), time.Now().Format(time.DateOnly))
	if f.bench {
		err := experiment.Bench(ctx, f.config, f.rounds, stdout, progress)
		if ctx.Err() != nil {
			return 0, errInterrupted
		}
		keep = keep || err != nil
		return exitOK, err
	}
	f.config.Progress = func(r experiment.Result) {
		name := r.Experiment.Name
		if r.Attempt > 1 {
			name += fmt.Sprintf(", attempt %d", r.Attempt)
		}
		progress("%-8s %-18s %-14s %6.1f s  %s", r.Network, name, r.Verdict, r.Took.Seconds(), r.Seen)
		if r.Err != nil {
			progress("         %v", r.Err)
		}
	}
	began := time.Now()
	results, err := experiment.Run(ctx, f.config)
	if err != nil {
		return 0, errInterrupted
	}
	if err := experiment.WriteTable(stdout, f.config.On, results, experiment.Known); err != nil {
		return 0, err
	}
	if f.python == "" {
		fmt.Fprintln(stdout, "\nLEFT OUT: the experiments with the Python package; -python names an interpreter that has it")
	}
	unexpected := experiment.Unexpected(results, experiment.Known)
	fmt.Fprintf(stdout, "\n%d experiments on %s in %.0f s, %d unexpected\n", len(f.config.Selected()), strings.Join(f.config.On, " and "), time.Since(began).Seconds(), len(unexpected))
	for _, line := range unexpected {
		fmt.Fprintln(stdout, line)
	}
	if len(unexpected) > 0 {
		keep = true
		return exitUnexpected, nil
	}
	return exitOK, nil
}
