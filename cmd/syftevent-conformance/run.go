package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/report"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/fakebox"
)

// runFlags are the command line of run.
type runFlags struct {
	name         string // of the command: run, or smoke
	seed         uint64
	delivery     fakebox.Mode
	parallel     int
	reuse        bool
	known        string // a file
	updateKnown  bool
	dir          string
	targetDir    string
	timescale    float64
	readyTimeout time.Duration
	keep         bool
	strict       bool
	verbose      bool
	reports      reportFlags
	selectors    []string
	command      []string // nil for the embedded reference
	written      []string // the flags as they were given, for repeating the run
}

// notRepeated are the flags that the line that reproduces one scenario leaves out,
// or has in any case.
var notRepeated = []string{"json", "junit", "keep", "known", "md", "parallel", "seed", "update-known"}

// maxTimescale is a factor with which every wait is still a length of time.
const maxTimescale = 1000

func parseRun(name string, args []string) (*runFlags, error) {
	f := &runFlags{name: name}
	for i, arg := range args {
		if arg == "--" {
			if f.command = args[i+1:]; len(f.command) == 0 {
				return nil, usageError("there is no COMMAND after --")
			}
			args = args[:i]
			break
		}
	}
	flags := newFlags(name)
	flags.Uint64Var(&f.seed, "seed", 1, "")
	flags.TextVar(&f.delivery, "delivery", f.delivery, "")
	flags.StringVar(&f.known, "known", "", "")
	flags.BoolVar(&f.updateKnown, "update-known", false, "")
	flags.StringVar(&f.dir, "dir", "", "")
	flags.StringVar(&f.targetDir, "target-dir", "", "")
	flags.IntVar(&f.parallel, "parallel", runtime.NumCPU(), "")
	flags.Float64Var(&f.timescale, "timescale", 1, "")
	flags.BoolVar(&f.reuse, "reuse", false, "")
	flags.DurationVar(&f.readyTimeout, "ready-timeout", 30*time.Second, "")
	flags.BoolVar(&f.keep, "keep", false, "")
	flags.BoolVar(&f.strict, "strict", false, "")
	flags.BoolVar(&f.verbose, "v", false, "")
	f.reports.define(flags)
	var err error
	if f.selectors, err = parseFlags(flags, args); err != nil {
		return nil, err
	}
	if !(f.timescale > 0 && f.timescale <= maxTimescale) {
		return nil, usageError("-timescale %v: must be more than 0 and at most %v", f.timescale, maxTimescale)
	}
	if f.readyTimeout <= 0 {
		return nil, usageError("-ready-timeout %v: must be more than 0", f.readyTimeout)
	}
	if f.parallel < 1 {
		return nil, usageError("-parallel %d: must be 1 or more", f.parallel)
	}
	if err := f.resolveDirs(); err != nil {
		return nil, err
	}
	if f.updateKnown && f.known == "" {
		return nil, usageError("-update-known wants -known FILE, the list that it writes")
	}
	flags.Visit(func(given *flag.Flag) {
		if !slices.Contains(notRepeated, given.Name) {
			f.written = append(f.written, fmt.Sprintf("-%s=%s", given.Name, given.Value))
		}
	})
	return f, nil
}

var errInterrupted = errors.New("interrupted")

// run runs scenarios and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	f, err := parseRun("run", args)
	if err != nil {
		return 0, err
	}
	all, err := scenario.All()
	if err != nil {
		return 0, err
	}
	scenarios, err := scenario.Select(all, f.selectors)
	if err != nil {
		return 0, &statusError{exitUsage, err}
	}
	list, err := f.readKnown(all)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	reports, err := f.reports.create()
	if err != nil {
		return 0, err
	}
	defer reports.discard()
	config, remove, err := f.begin(stdout)
	if err != nil {
		return 0, err
	}
	defer remove()
	ready, err := probe(ctx, config, stdout, stderr)
	if err != nil {
		return 0, err
	}
	settings := fmt.Sprintf("looks every %v, settles after %v; on %s, delivered by %v; suite %s, SPEC.md %s",
		ready.Poll(), ready.Settle(), report.FileSystem(config.Dir), f.delivery, version(), specVersion)
	text := &report.Text{Out: stdout, Verbose: f.verbose, Settings: settings, Reproduce: f.reproduce(), Required: required(all, ready.Features)}
	text.Begin(ready, f.seed, ids(scenarios))
	runner.Run(ctx, config, ready, scenarios, func(r runner.Result) {
		r.Known = list.Entry(r.Scenario.ID)
		text.Add(r)
	})
	text.End()
	summary, results := text.Summary(), text.Results()
	err = reports.write(report.NewDocument(report.Run{
		SuiteVersion: version(), SpecVersion: specVersion,
		Ready: ready, Command: f.shownCommand(), Config: config,
		Started: began, Duration: time.Since(began),
		Results: results, Summary: summary, Reproduce: text.Reproduce,
	}))
	if f.updateKnown {
		if updated, failed := updateKnown(list, results, len(scenarios), stdout); updated || failed != nil {
			return exitOK, errors.Join(failed, err)
		}
	}
	switch {
	case summary.Unexpected: // outranks that a report is missing
		printError(stderr, err)
		return exitUnexpected, nil
	case ctx.Err() != nil:
		return 0, errors.Join(errInterrupted, err)
	case err != nil:
		return 0, err
	case summary.Incomplete:
		return exitCouldNotTest, nil
	}
	return exitOK, nil
}

// probe asks the server what it is, and says what there is to say of the way in which
// it starts.
func probe(ctx context.Context, config runner.Config, stdout, stderr io.Writer) (target.Ready, error) {
	if err := config.Command.Mount.Check(ctx, config.Command.ReadyTimeout); err != nil && ctx.Err() == nil {
		return target.Ready{}, fmt.Errorf("could not test: %w", err)
	}
	ready, err := runner.Probe(ctx, config)
	if ctx.Err() != nil {
		return ready, errInterrupted
	}
	if err != nil {
		var notReady *target.NotReadyError
		if errors.As(err, &notReady) && notReady.Stderr != "" {
			fmt.Fprintf(stderr, "The end of the server's log:\n    %s\n", strings.ReplaceAll(notReady.Stderr, "\n", "\n    "))
		}
		return ready, fmt.Errorf("could not test: %w", err)
	}
	if n := ready.SkippedLines; n > 0 {
		fmt.Fprintf(stdout, "Lines on standard output before the ready line were passed over: %d\n", n)
	}
	return ready, nil
}

// begin makes the folder of the run. The function that it returns removes it, unless
// it is to be kept.
func (f *runFlags) begin(stdout io.Writer) (config runner.Config, remove func(), err error) {
	if config, err = f.config(); err != nil {
		return config, nil, err
	}
	config.Note = func(text string) { fmt.Fprintf(stdout, "note: %s\n", text) }
	if f.keep {
		fmt.Fprintf(stdout, "The files are kept in %s\n", config.Dir)
		return config, func() {}, nil
	}
	return config, func() { os.RemoveAll(config.Dir) }, nil
}

func (f *runFlags) config() (runner.Config, error) {
	command := f.command
	if command == nil {
		self, err := os.Executable()
		if err != nil {
			return runner.Config{}, fmt.Errorf("looking for the program itself, to start the reference: %w", err)
		}
		command = []string{self, "serve"}
	}
	dir, err := os.MkdirTemp(f.dir, "syftevent-conformance-")
	if err != nil {
		return runner.Config{}, fmt.Errorf("making a folder for the run: %w", err)
	}
	config := runner.Config{Dir: dir, Keep: f.keep, Strict: f.strict, AllEvents: f.verbose, Parallel: f.parallel, Reuse: f.reuse}
	config.Command = target.Command{Args: command, ReadyTimeout: time.Duration(float64(f.readyTimeout) * f.timescale)}
	if f.targetDir != "" {
		config.Command.Mount = target.Mount{Dir: f.dir, TargetDir: f.targetDir}
	}
	config.Seed, config.Delivery, config.Timescale = f.seed, f.delivery, f.timescale
	return config, nil
}

// reproduce is the command line that repeats one scenario, with %s for its id.
func (f *runFlags) reproduce() string {
	words := append(append(programName(), f.name, "-keep", fmt.Sprintf("-seed=%d", f.seed)), f.written...)
	words = append(words, "\x00")
	if f.command != nil {
		words = append(append(words, "--"), f.command...)
	}
	for i, word := range words {
		words[i] = strings.ReplaceAll(quote(word), "%", "%%")
	}
	return strings.Replace(strings.Join(words, " "), "\x00", "%s", 1)
}

// shownCommand is the command that starts the server, as somebody else would say it.
func (f *runFlags) shownCommand() []string {
	if f.command == nil {
		return append(programName(), "serve")
	}
	return f.command
}

// programName is how the program was started: "go run" builds it anew each time,
// in a folder that is gone afterwards.
func programName() []string {
	if strings.Contains(filepath.ToSlash(os.Args[0]), "/go-build") {
		return []string{"go", "run", "./cmd/syftevent-conformance"}
	}
	return os.Args[:1:1]
}

// quote makes a word safe for a shell.
func quote(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\n'\"\\$`*?[]{}()<>|&;#~!") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func ids(scenarios []scenario.Scenario) []string {
	var ids []string
	for _, s := range scenarios {
		ids = append(ids, s.ID)
	}
	return ids
}

// required are the scenarios of which none may be left out of a conformant run: those
// of a MUST of the core, and of the features that the server declares.
func required(all []scenario.Scenario, features []string) []string {
	var ids []string
	for _, s := range all {
		if s.Level() == spec.Must && (s.Feature == "" || slices.Contains(features, s.Feature)) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}
