package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/experiment"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/realbox"
)

// realFlags is the command line of real.
type realFlags struct {
	config  experiment.Config
	on      string // comma-separated
	run     string // a regular expression
	syftbox string
	python  string
	targets string
	dir     string
	bench   bool
	rounds  int
	keep    bool
}

func (f *realFlags) define(flags *flag.FlagSet) {
	flags.StringVar(&f.syftbox, "syftbox", "", "build SyftBox from `DIR`, a checkout of OpenMined/syftbox")
	flags.StringVar(&f.on, "on", experiment.Real+","+experiment.Fake, "run on the networks of `LIST`")
	flags.StringVar(&f.run, "run", "", "run only experiments whose names match `REGEXP`")
	flags.BoolVar(&f.config.Full, "full", false, "run each experiment at full size, which takes an hour")
	flags.IntVar(&f.config.Parallel, "parallel", 4, "run up to `N` networks at once for experiments that need their own")
	flags.IntVar(&f.config.Attempts, "attempts", 1, "run an experiment with an unexpected result up to `N` times, alone after the first")
	flags.StringVar(&f.python, "python", "", "use the Python interpreter `FILE`, which has the package, for experiments that need it")
	flags.StringVar(&f.targets, "targets", filepath.Join("testdata", "targets", "python"), "`DIR` of server.py and client.py")
	flags.StringVar(&f.config.Command, "command", "", "use the program syftevent in `FILE` for experiments that need it")
	flags.StringVar(&f.dir, "dir", os.TempDir(), "create the files of the run in `DIR`")
	flags.BoolVar(&f.bench, "bench", false, "measure the library and the Python package on the real SyftBox instead")
	flags.IntVar(&f.rounds, "rounds", 3, "repeat the latency figures of -bench `N` times")
	flags.BoolVar(&f.keep, "keep", false, "keep the files of the run, as after a failure")
}

func parseReal(args []string) (*realFlags, error) {
	f := &realFlags{}
	words, err := parseFlags(cmdline.NewFlags("real", f.define), args)
	if err != nil {
		return nil, err
	}
	if err := noWords("real", words); err != nil {
		return nil, err
	}
	f.config.On = strings.Split(f.on, ",")
	for _, kind := range f.config.On {
		if kind != experiment.Real && kind != experiment.Fake {
			return nil, usageError("-on %s: unknown network %q; the networks are %s and %s", f.on, kind, experiment.Real, experiment.Fake)
		}
	}
	if f.config.Run, err = regexp.Compile(f.run); err != nil {
		return nil, usageError("-run %s: %v", f.run, err)
	}
	switch {
	case f.syftbox == "" && (f.bench || slices.Contains(f.config.On, experiment.Real)):
		return nil, usageError("real needs -syftbox DIR, a checkout of OpenMined/syftbox")
	case f.rounds < 1:
		return nil, usageError("-rounds %d: must be at least 1", f.rounds)
	case f.config.Attempts < 1:
		return nil, usageError("-attempts %d: must be at least 1", f.config.Attempts)
	case f.config.Parallel < 1:
		return nil, usageError("-parallel %d: must be at least 1", f.config.Parallel)
	}
	if info, err := os.Stat(f.dir); err != nil || !info.IsDir() {
		return nil, usageError("-dir %s: no such folder", f.dir)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own executable: %w", err)
	}
	f.config.Server, f.config.Client = []string{self, "serve"}, []string{self, "serve", "-role", "client"}
	if f.python != "" {
		f.config.PythonServer = []string{f.python, filepath.Join(f.targets, "server.py")}
		f.config.PythonClient = []string{f.python, filepath.Join(f.targets, "client.py")}
		for _, path := range []string{f.config.PythonServer[1], f.config.PythonClient[1]} {
			if _, err := os.Stat(path); err != nil {
				return nil, usageError("-python needs -targets, the folder testdata/targets/python of this project: %v", err)
			}
		}
	}
	if f.config.Command != "" {
		if f.config.Command, err = exec.LookPath(f.config.Command); err != nil {
			return nil, usageError("-command: %v", err)
		}
	}
	if len(f.config.Selected()) == 0 {
		return nil, usageError("-run %s: no experiment matches", f.run)
	}
	return f, nil
}

// runReal runs the command real.
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
			progress("files kept in %s", f.config.Dir)
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
		fmt.Fprintln(stdout, "\nLEFT OUT: experiments with the Python package; set -python to an interpreter that has it")
	}
	if f.config.Command == "" {
		fmt.Fprintln(stdout, "\nLEFT OUT: experiments with the command syftevent; set -command")
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
