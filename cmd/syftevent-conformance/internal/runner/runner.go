// Package runner runs scenarios against a server or a client.
package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/known"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/fakebox"
)

// An Outcome is the outcome of a scenario.
type Outcome string

const (
	// Pass means that all checks passed.
	Pass Outcome = "pass"
	// Fail means that the server violates a MUST.
	Fail Outcome = "FAIL"
	// Warn means that the server violates a SHOULD or MAY.
	Warn Outcome = "warn"
	// NotImplemented means that the server does not declare the scenario's feature.
	NotImplemented Outcome = "not implemented"
	// NotApplicable means that the scenario does not apply to this system or server.
	NotApplicable Outcome = "not applicable"
	// CouldNotTest means that the suite itself failed.
	CouldNotTest Outcome = "COULD NOT TEST"
)

// A Result is the outcome of one scenario, with the evidence.
type Result struct {
	Scenario scenario.Scenario
	Outcome  Outcome
	Duration time.Duration
	// During is the scenario in which an invariant was violated, "" for other results.
	During string
	// Known is the entry of the list of known failures, nil if there is none.
	Known *known.Entry
	// Failure is the check that failed. It is set for Fail and Warn.
	Failure *script.Failure
	// Problem is the reason of CouldNotTest and NotApplicable.
	Problem string
	// Log is the output of testscript.
	Log string
	// Stderr is the end of the server's log output.
	Stderr string
	// Tree lists the files of the network.
	Tree []string
	// Events is the timeline. It is nil for a pass unless [Config] asks for it.
	Events []script.Event
	// Dir is the folder of the files if they were kept.
	Dir string

	observed   bool     // the invariants were checked
	violations []Result // of invariants, without their scenario

	// TooSlow reports whether the suite was too slow for the scenario to prove anything. The
	// outcome is then CouldNotTest.
	TooSlow bool

	workDir string // the script's directory
}

// Config is the configuration of a run.
type Config struct {
	script.Config
	// Strict makes each violated requirement a failure, whatever its level.
	Strict bool
	// Keep keeps the files of each scenario in Dir, and its events in the result.
	Keep bool
	// AllEvents adds the events to the result of each scenario.
	AllEvents bool
	// Dir is an existing folder for the files of the run.
	Dir string
	// Parallel is the number of scenarios that run at once.
	// Defaults to the number of processors.
	Parallel int
	// Reuse lets scenarios share a server if their head says "reuse: yes".
	Reuse bool
	// Note, if not nil, receives problems outside of scenarios, such as a shared server
	// that did not stop. It is called in the same way as done (see [Run]).
	Note func(text string)
	// Starting, if not nil, is called with the id of each scenario that starts, and may be
	// called concurrently.
	Starting func(id string)
}

// probeStopTimeout is how long an idle server may take to stop.
const probeStopTimeout = 5 * time.Second

// Probe starts and stops the server, and returns its ready line. It returns a
// *target.NotReadyError if the server does not become ready.
func Probe(ctx context.Context, config Config) (target.Ready, error) {
	config.Names = config.Names.OrExamples()
	dir := filepath.Join(config.Dir, "probe")
	box, err := fakebox.Open(filepath.Join(dir, "box"), fakebox.Config{Seed: config.Seed})
	if err != nil {
		return target.Ready{}, err
	}
	defer box.Close()
	if !config.Keep {
		defer os.RemoveAll(dir)
	}
	replica, err := box.TryJoin(config.Self())
	if err != nil {
		return target.Ready{}, err
	}
	process, err := target.Start(ctx, config.Command, target.Settings{
		ConfigPath: replica.ConfigPath(),
		App:        config.Names.App,
		Role:       config.Role,
		Options:    script.UsualOptions(),
		RecordPath: filepath.Join(dir, "record.log"),
		LogDir:     dir,
	})
	if err != nil {
		return target.Ready{}, err
	}
	// Whether the server obeys is for a scenario.
	if err := process.Stop(probeStopTimeout); err != nil && !errors.Is(err, target.ErrIgnoredStop) {
		return target.Ready{}, err
	}
	return process.Ready(), nil
}

// scenarioTimeout is how long a scenario may take. Each wait in it has a shorter deadline
// of its own.
const scenarioTimeout = 5 * time.Minute

// One runs one scenario, with a shared server unless that is nil. A violated invariant is a
// failure of the scenario, unless without reports that it is left out.
func One(ctx context.Context, config Config, s scenario.Scenario, shared *script.Shared, without func(invariant string) bool) Result {
	r := runOne(ctx, config, s, shared)
	if r.Outcome != Pass {
		return r
	}
	for _, violation := range r.violations {
		if id := violation.Scenario.ID; !without(id) {
			violation.Scenario, violation.Outcome, violation.Duration = s, Fail, r.Duration
			violation.Failure.Line = id + ": " + violation.Failure.Line
			return violation
		}
	}
	return r
}

// runOne runs a scenario in a folder of its own. shared is the server that it shares, nil
// for one of its own.
func runOne(ctx context.Context, config Config, s scenario.Scenario, shared *script.Shared) Result {
	began := time.Now()
	config.Names = config.Names.OrExamples()
	s.Script = config.Names.In(s.Script)
	timeout := time.Duration(float64(scenarioTimeout) * max(1, config.Timescale))
	ctx, cancel := context.WithTimeout(ctx, timeout)
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
	if !s.Unobserved {
		run.Observe(s.Script)
	}
	t := &recorder{}
	finished := make(chan struct{})
	go func() { // ends with the script
		defer close(finished)
		t.protect(func() { testscript.RunT(t, run.Params(file, config.Dir, began.Add(timeout))) })
	}()
	select {
	case <-finished:
	case <-time.After(timeout + time.Minute):
		return Result{Scenario: s, Outcome: CouldNotTest, Problem: fmt.Sprintf("scenario hangs after %v", timeout), Duration: time.Since(began)}
	}
	result := t.result(run)
	result.workDir = run.Dir
	result.Scenario, result.Duration = s, time.Since(began)
	if result.Outcome == Fail && s.Level() != spec.Must && !result.Failure.Dead && !config.Strict {
		result.Outcome = Warn
	}
	if result.Outcome != Pass && result.Outcome != NotApplicable {
		result.Stderr = run.Stderr()
		result.Tree = tree(run.BoxDir(), config.Names)
	}
	if result.Outcome != Pass || config.Keep || config.AllEvents {
		result.Events = run.Events()
	}
	if config.Keep {
		result.Dir = run.Dir
	}
	violations, observed := run.Violations()
	result.observed = observed
	for id, failure := range violations {
		result.violations = append(result.violations, Result{
			Scenario: scenario.Scenario{ID: id}, Failure: failure, Log: result.Log,
			Stderr: run.Stderr(), Tree: tree(run.BoxDir(), config.Names), Events: run.Events(), Dir: result.Dir,
		})
	}
	if !config.Keep {
		os.RemoveAll(run.Dir)
		os.Remove(file)
	}
	return result
}
