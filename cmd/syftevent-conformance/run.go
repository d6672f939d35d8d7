package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/report"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/terminal"
	"github.com/syftevent/syftevent-go/fakebox"
)

// runFlags is the command line of run, and of smoke, which has fewer flags.
type runFlags struct {
	name         string // run or smoke
	seed         uint64
	delivery     fakebox.Mode
	parallel     int
	role         target.Role
	reuse        bool
	known        string
	updateKnown  bool
	failFast     bool
	quiet        bool
	dir          string
	targetDirs   dirList
	timescale    float64
	readyTimeout time.Duration
	keep         bool
	strict       bool
	verbose      bool
	soak         time.Duration // 0 for the scenarios
	servers      int           // of the soak
	replay       string        // file of a scenario
	vectors      vectorPaths
	reports      reportFlags
	selectors    []string
	command      []string // nil means the embedded reference
	given        []string // the flags as given, for reproduce
}

// notRepeated lists the flags that reproduce leaves out or always adds.
var notRepeated = []string{"badge", "failfast", "json", "junit", "keep", "known", "md", "parallel", "q", "replay", "seed", "servers", "soak", "update-known"}

// maxTimescale keeps every wait within a time.Duration.
const maxTimescale = 1000

// defineServer defines the flags that run and smoke share.
func (f *runFlags) defineServer(flags *flag.FlagSet) {
	flags.TextVar(&f.role, "role", target.Server, "test COMMAND in the `ROLE` server or client")
	flags.Uint64Var(&f.seed, "seed", 0, "derive addresses, the app and the ids of requests from `N` (default another one in each run)")
	flags.TextVar(&f.delivery, "delivery", f.delivery, "deliver requests by `MODE`: websocket, blobstore, or blobstore-in-place as client 0.8.7 does")
	flags.StringVar(&f.dir, "dir", "", "create the files of the run in `DIR` (default the temporary folder of the system)")
	flags.Var(&f.targetDirs, "target-dir", "path of -dir for COMMAND, if a network mount makes it another `DIR`; given several times, servers that share work have one each, in turn")
	flags.IntVar(&f.parallel, "parallel", 2*runtime.NumCPU(), "run up to `N` scenarios at once; they wait most of the time")
	flags.Float64Var(&f.timescale, "timescale", 1, "multiply every wait by `X`, for slow machines")
	flags.BoolVar(&f.reuse, "reuse", false, "share one server among scenarios that need no restart")
	flags.DurationVar(&f.readyTimeout, "ready-timeout", 30*time.Second, "wait up to `DURATION` for COMMAND to become ready")
	flags.BoolVar(&f.keep, "keep", false, "keep the files of each scenario and print where")
	flags.BoolVar(&f.strict, "strict", false, "count an unmet SHOULD as a failure")
	flags.BoolVar(&f.verbose, "v", false, "print the log of scenarios that pass")
}

func (f *runFlags) define(flags *flag.FlagSet) {
	f.defineServer(flags)
	flags.StringVar(&f.known, "known", "", "expect the failures listed in `FILE`: lines of 'ID  # reason', or 'flaky: ID  # reason' for one that may pass")
	flags.BoolVar(&f.updateKnown, "update-known", false, "update the file of -known with the results")
	flags.DurationVar(&f.soak, "soak", 0, "run random scenarios for `DURATION`, instead of those of the suite")
	flags.IntVar(&f.servers, "servers", 1, "with -soak, run `N` servers that share the work, and stop, kill and suspend them")
	flags.StringVar(&f.replay, "replay", "", "run the scenario in `FILE`, such as one that -soak has written")
	flags.BoolVar(&f.failFast, "failfast", false, "stop after the first unexpected failure")
	flags.BoolVar(&f.quiet, "q", false, "print only failures and the summary, in one line")
	flags.Var(&f.vectors, "vectors", "run the test vectors in `PATH`, a file or a folder, instead of all scenarios; repeatable")
	f.reports.define(flags)
}

func parseRun(args []string) (*runFlags, error) {
	f := &runFlags{name: "run"}
	return f, f.parse(cmdline.NewFlags(f.name, f.define), args)
}

func parseSmoke(args []string) (*runFlags, error) {
	f := &runFlags{name: "smoke"}
	return f, f.parse(cmdline.NewFlags(f.name, f.defineServer), args)
}

func (f *runFlags) parse(flags *flag.FlagSet, args []string) error {
	args, command, err := cutCommand(args)
	if err != nil {
		return err
	}
	f.command = command
	if f.selectors, err = parseFlags(flags, args); err != nil {
		return err
	}
	if !(f.timescale > 0 && f.timescale <= maxTimescale) {
		return usageError("-timescale %v: must be more than 0 and at most %v", f.timescale, maxTimescale)
	}
	if f.readyTimeout <= 0 {
		return usageError("-ready-timeout %v: must be more than 0", f.readyTimeout)
	}
	if f.parallel < 1 {
		return usageError("-parallel %d: must be at least 1", f.parallel)
	}
	if f.seed == 0 {
		f.seed = 1 + rand.Uint64N(1<<32)
	}
	if err := f.resolveDirs(); err != nil {
		return err
	}
	if f.updateKnown && f.known == "" {
		return usageError("-update-known needs -known FILE")
	}
	if f.quiet && f.verbose {
		return usageError("-q and -v exclude each other")
	}
	if err := f.checkSoak(); err != nil {
		return err
	}
	flags.Visit(func(given *flag.Flag) {
		values := []string{given.Value.String()}
		if dirs, ok := given.Value.(*dirList); ok {
			values = *dirs
		}
		for _, value := range values {
			if !slices.Contains(notRepeated, given.Name) {
				f.given = append(f.given, fmt.Sprintf("-%s=%s", given.Name, value))
			}
		}
	})
	return nil
}

// run runs the command run.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	f, err := parseRun(args)
	if err != nil {
		return 0, err
	}
	all, err := scenario.All()
	if err != nil {
		return 0, err
	}
	all, selectors, err := f.withVectors(all)
	if err != nil {
		return 0, err
	}
	all = scenario.Of(f.role, all)
	scenarios, err := selectScenarios(all, selectors)
	if err != nil {
		return 0, err
	}
	list, err := f.readKnown(all)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	out := terminal.NewOutput(stdout, screenOf(stdout))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	reports, err := f.reports.create()
	if err != nil {
		return 0, err
	}
	defer reports.discard()
	config, remove, err := f.begin(out)
	if err != nil {
		return 0, err
	}
	defer remove()
	ready, err := probe(ctx, config, stderr)
	switch {
	case err != nil:
		return 0, err
	case f.soak > 0:
		return f.runSoak(ctx, config, ready, list, out)
	case f.replay != "":
		return f.runReplay(ctx, config, ready, out)
	}
	settings := fmt.Sprintf("poll interval %v, settle time %v; file system %s, observed by %s; delivery %v; suite %s, SPEC.md %s",
		ready.Poll(), ready.Settle(), report.FileSystem(config.Dir), script.ObservedBy, f.delivery, version(), specVersion)
	text := f.text(out)
	text.Settings, text.Required = settings, required(all, ready.Features)
	text.Begin(ready, f.seed, ids(scenarios))
	f.follow(ctx, config, ready, scenarios, out, func(r *runner.Result) {
		r.Known = list.Entry(r.Scenario.ID)
		text.Add(*r)
		f.stopAfterFailure(*r, cancel)
	})
	text.End(whyCut(ctx))
	summary, results := text.Summary(), text.Results()
	err = reports.write(report.NewDocument(report.Run{
		SuiteVersion: version(), SpecVersion: specVersion,
		Ready: ready, Command: f.shownCommand(), Config: config,
		Started: began, Duration: time.Since(began),
		Results: results, Summary: summary, Reproduce: text.Reproduce,
	}))
	if f.updateKnown {
		if updated, failed := updateKnown(list, results, len(scenarios), out); updated || failed != nil {
			return exitOK, errors.Join(failed, err)
		}
	}
	switch {
	case signaled(ctx):
		return 0, errors.Join(errInterrupted, err)
	case summary.Unexpected: // outranks a report that could not be written
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

// selectScenarios returns the scenarios that the selectors match. The error for an
// unknown name suggests commands, too, since "run" may be omitted.
func selectScenarios(all []scenario.Scenario, selectors []string) ([]scenario.Scenario, error) {
	known := append(ids(all), requirementIDs()...)
	for _, selector := range selectors {
		pattern := strings.ContainsAny(selector, `*?[\`)
		if !pattern && !slices.Contains(known, selector) {
			return nil, unknownName("command, scenario or requirement", selector, append(known, commandNames()...))
		}
	}
	scenarios, err := scenario.Select(all, selectors)
	if err != nil {
		return nil, configError(err)
	}
	return scenarios, nil
}

// probe starts the server once and reads its ready line.
func probe(ctx context.Context, config runner.Config, stderr io.Writer) (target.Ready, error) {
	for _, mount := range config.Command.Mounts {
		if err := mount.Check(ctx, config.Command.ReadyTimeout); err != nil && ctx.Err() == nil {
			return target.Ready{}, fmt.Errorf("could not test: %w", err)
		}
	}
	ready, err := runner.Probe(ctx, config)
	if ctx.Err() != nil {
		return ready, errInterrupted
	}
	if err != nil {
		var notReady *target.NotReadyError
		if errors.As(err, &notReady) && notReady.Stderr != "" {
			fmt.Fprintf(stderr, "End of the server's log:\n    %s\n", strings.ReplaceAll(notReady.Stderr, "\n", "\n    "))
		}
		return ready, fmt.Errorf("could not test: %w", err)
	}
	if n := ready.SkippedLines; n > 0 {
		config.Note(fmt.Sprintf("lines ignored before the ready line: %d", n))
	}
	return ready, nil
}

// begin creates the folder of the run. The returned function removes it unless -keep
// is set.
func (f *runFlags) begin(stdout io.Writer) (config runner.Config, remove func(), err error) {
	if config, err = f.config(); err != nil {
		return config, nil, err
	}
	config.Note = func(text string) {
		if !f.quiet {
			fmt.Fprintf(stdout, "note: %s\n", text)
		}
	}
	if f.keep {
		fmt.Fprintf(stdout, "keeping files in %s\n", config.Dir)
		return config, func() {}, nil
	}
	return config, func() { os.RemoveAll(config.Dir) }, nil
}

func (f *runFlags) config() (runner.Config, error) {
	command := f.command
	if command == nil {
		self, err := os.Executable()
		if err != nil {
			return runner.Config{}, fmt.Errorf("find own executable: %w", err)
		}
		command = []string{self, "serve", "-role", string(f.role)}
	}
	dir, err := os.MkdirTemp(f.dir, "syftevent-conformance-")
	if err != nil {
		return runner.Config{}, fmt.Errorf("create folder for the run: %w", err)
	}
	config := runner.Config{Dir: dir, Keep: f.keep, Strict: f.strict, AllEvents: f.verbose, Parallel: f.parallel, Reuse: f.reuse}
	config.Command = target.Command{Args: command, ReadyTimeout: time.Duration(float64(f.readyTimeout) * f.timescale)}
	for n, dir := range f.targetDirs {
		config.Command.Mounts = append(config.Command.Mounts, target.Mount{Dir: f.dir, TargetDir: dir, Number: n})
	}
	config.Seed, config.Delivery, config.Timescale, config.Role = f.seed, f.delivery, f.timescale, f.role
	config.Names = script.NamesOf(f.seed, f.role)
	return config, nil
}

// reproduce returns the command line that repeats one scenario, with %s for its id.
func (f *runFlags) reproduce() string {
	words := append(append(programName(), f.name, "-keep", fmt.Sprintf("-seed=%d", f.seed)), f.given...)
	words = append(words, "\x00")
	if f.command != nil {
		words = append(append(words, "--"), f.command...)
	}
	for i, word := range words {
		words[i] = strings.ReplaceAll(quote(word), "%", "%%")
	}
	return strings.Replace(strings.Join(words, " "), "\x00", "%s", 1)
}

// shownCommand returns the command that starts the server, for reports.
func (f *runFlags) shownCommand() []string {
	if f.command == nil {
		return append(programName(), "serve", "-role", string(f.role))
	}
	return f.command
}

// programName returns the words that start this program. The executable of "go run" is
// temporary.
func programName() []string {
	if strings.Contains(filepath.ToSlash(os.Args[0]), "/go-build") {
		return []string{"go", "run", "./cmd/syftevent-conformance"}
	}
	return os.Args[:1:1]
}

// quote quotes a word for a shell.
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

// required returns the scenarios that the verdict "conformant" needs: each MUST of the
// core and of the declared features.
func required(all []scenario.Scenario, features []string) []string {
	var ids []string
	for _, s := range all {
		if s.Level() == spec.Must && (s.Feature == "" || slices.Contains(features, s.Feature)) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}
