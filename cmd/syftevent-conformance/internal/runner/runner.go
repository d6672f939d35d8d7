// Package runner runs scenarios against a server.
package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/known"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/fakebox"
)

// An Outcome is what became of a scenario.
type Outcome string

const (
	// Pass: all checks held.
	Pass Outcome = "pass"
	// Fail: a requirement of the level MUST is not met.
	Fail Outcome = "FAIL"
	// Warn: a requirement of the level SHOULD or MAY is not met.
	Warn Outcome = "warn"
	// NotImplemented: the server does not declare the feature.
	NotImplemented Outcome = "not implemented"
	// NotApplicable: the system on which the suite runs lacks something.
	NotApplicable Outcome = "not applicable"
	// CouldNotTest: the suite itself failed.
	CouldNotTest Outcome = "COULD NOT TEST"
)

// A Result is what became of one scenario, and the evidence.
type Result struct {
	Scenario scenario.Scenario
	Outcome  Outcome
	Duration time.Duration
	// Known is why the scenario is expected to fail, or may; nil if nothing is known.
	Known *known.Entry
	// Failure is set for Fail and Warn.
	Failure *script.Failure
	// Problem says why a scenario could not be tested, or does not apply.
	Problem string
	// Log is what testscript wrote.
	Log string
	// Stderr is the end of the server's log.
	Stderr string
	// Tree lists the files of the network.
	Tree []string
	// Events are what happened to the files below "rpc", in the order of time. A
	// pass has them only if [Config] asks for it.
	Events []script.Event
	// Dir is where the files are, if they were kept.
	Dir string

	tooSlow bool   // the suite was too slow for the scenario to prove anything
	workDir string // the script's directory
}

// Config says how to run.
type Config struct {
	script.Config
	// Strict makes a requirement that is not met a failure, whatever its level.
	Strict bool
	// Keep leaves the files of every scenario in Dir, and its events in the result.
	Keep bool
	// AllEvents gives the result of every scenario its events.
	AllEvents bool
	// Dir is a folder for the files of the run, which must exist.
	Dir string
	// Parallel is how many scenarios run at a time; the number of processors if it
	// is 0.
	Parallel int
	// Reuse lets scenarios that need no server of their own share one, as many at a
	// time as scenarios run.
	Reuse bool
	// Note, if it is there, is told what went wrong beside the scenarios, such as
	// that a shared server did not stop. It is called as done is.
	Note func(text string)
}

// probeGrace is how long a server may take to stop that has done nothing yet.
const probeGrace = 5 * time.Second

// Probe starts the server once, without any request, and returns what it says
// of itself. A server that is never ready gives a *target.NotReadyError.
func Probe(ctx context.Context, config Config) (target.Ready, error) {
	dir := filepath.Join(config.Dir, "probe")
	box, err := fakebox.Open(filepath.Join(dir, "box"), fakebox.Config{Seed: config.Seed})
	if err != nil {
		return target.Ready{}, err
	}
	defer box.Close()
	if !config.Keep {
		defer os.RemoveAll(dir)
	}
	replica, err := box.TryJoin(script.ServerEmail)
	if err != nil {
		return target.Ready{}, err
	}
	process, err := target.Start(ctx, config.Command, target.Settings{
		ConfigPath: replica.ConfigPath(),
		App:        script.App,
		Options:    script.UsualOptions(),
		RecordPath: filepath.Join(dir, "record.log"),
		LogDir:     dir,
	})
	if err != nil {
		return target.Ready{}, err
	}
	// A server that does not heed it fails the scenario that tests it.
	if err := process.Stop(probeGrace); err != nil && !errors.Is(err, target.ErrIgnoredStop) {
		return target.Ready{}, err
	}
	return process.Ready(), nil
}

// scenarioBudget is how long a scenario may take in all before it is broken
// off: every wait in it has a deadline of its own, so it never should be.
const scenarioBudget = 5 * time.Minute

// runOne runs one scenario with files of its own, and a server of its own unless it
// shares one.
func runOne(ctx context.Context, config Config, s scenario.Scenario, shared *script.Shared) Result {
	began := time.Now()
	budget := time.Duration(float64(scenarioBudget) * max(1, config.Timescale))
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()

	// testscript reads scripts from files.
	file := filepath.Join(config.Dir, s.ID+".txtar")
	if err := os.WriteFile(file, s.Script, 0o644); err != nil {
		return Result{Scenario: s, Outcome: CouldNotTest, Problem: err.Error()}
	}
	run := script.NewRun(ctx, config.Config)
	if shared != nil {
		run.Share(shared)
	}
	t := &recorder{}
	finished := make(chan struct{})
	go func() { // ends with the script
		defer close(finished)
		t.protect(func() { testscript.RunT(t, run.Params(file, config.Dir, began.Add(budget))) })
	}()
	select {
	case <-finished:
	case <-time.After(budget + time.Minute):
		return Result{Scenario: s, Outcome: CouldNotTest, Problem: fmt.Sprintf("the scenario has hung for %v", budget), Duration: time.Since(began)}
	}
	result := t.result(run)
	result.workDir = run.Dir
	result.Scenario, result.Duration = s, time.Since(began)
	if result.Outcome == Fail && s.Level() != spec.Must && !result.Failure.Dead && !config.Strict {
		result.Outcome = Warn
	}
	if result.Outcome != Pass && result.Outcome != NotApplicable {
		result.Stderr = run.Stderr()
		result.Tree = tree(run.BoxDir())
	}
	if result.Outcome != Pass || config.Keep || config.AllEvents {
		result.Events = run.Events()
	}
	if config.Keep {
		result.Dir = run.Dir
	} else {
		os.RemoveAll(run.Dir)
		os.Remove(file)
	}
	return result
}

// A recorder is the T of one scenario.
type recorder struct {
	mu      sync.Mutex
	log     strings.Builder
	failed  bool
	skipped bool
	panic   string // of the suite's own code
}

// ended is what FailNow and Skip panic with, to end the script.
type ended struct{}

// protect runs f and records a panic of it.
func (t *recorder) protect(f func()) {
	defer func() {
		p := recover()
		if _, ok := p.(ended); p != nil && !ok {
			t.panic = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	f()
}

// result says what became of the script. A failure without a failed check is
// the suite's: a command was used wrongly, or could not do its work.
func (t *recorder) result(run *script.Run) Result {
	r := Result{Outcome: Pass, Log: t.log.String(), Failure: run.Failure}
	switch {
	case t.panic != "":
		r.Outcome, r.Problem = CouldNotTest, t.panic
	case run.NotApplicable != "":
		r.Outcome, r.Problem = NotApplicable, run.NotApplicable
	case run.TooSlow != "":
		r.Outcome, r.Problem, r.tooSlow = CouldNotTest, "machine too slow: "+run.TooSlow, true
	case t.skipped:
		r.Outcome, r.Problem = CouldNotTest, "the script has skipped itself"
	case run.Failure != nil:
		r.Outcome = Fail
	case t.failed:
		r.Outcome, r.Problem = CouldNotTest, strings.TrimSpace(r.Log)
	}
	return r
}

func (t *recorder) write(args []any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(&t.log, args...)
}

// The methods of testscript.T.

func (t *recorder) Log(args ...any)   { t.write(args) }
func (t *recorder) Fatal(args ...any) { t.write(args); t.FailNow() }
func (t *recorder) FailNow()          { t.failed = true; panic(ended{}) }
func (t *recorder) Skip(args ...any)  { t.write(args); t.skipped = true; panic(ended{}) }
func (t *recorder) Parallel()         {}
func (t *recorder) Verbose() bool     { return false }
func (t *recorder) Run(_ string, f func(testscript.T)) {
	t.protect(func() { f(t) })
}

// treeLimit is how many files are shown of a network.
const treeLimit = 40

// tree lists the files below a folder with their sizes, but for the markers
// that keep folders, and for the canaries, which would hide the others. The server's
// "rpc" is written as scripts write it.
func tree(dir string) []string {
	var lines []string
	more := 0
	rpc := path.Join(script.ServerEmail, "SyftBox/datasites", script.ServerEmail, "app_data", script.App, "rpc")
	filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		switch {
		case err != nil || strings.HasPrefix(d.Name(), ".syftkeep"):
			return nil
		case d.IsDir() && d.Name() == script.CanarySender:
			return fs.SkipDir
		case d.IsDir() || d.Name() == ".fakebox": // the simulator's own
			return nil
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return nil
		}
		if len(lines) == treeLimit {
			more++
			return nil
		}
		size := int64(-1)
		if info, err := d.Info(); err == nil {
			size = info.Size()
		}
		lines = append(lines, fmt.Sprintf("%8d  %s", size, strings.Replace(filepath.ToSlash(rel), rpc, "$RPC", 1)))
		return nil
	})
	if more > 0 {
		lines = append(lines, fmt.Sprintf("          … and %d more", more))
	}
	return lines
}
