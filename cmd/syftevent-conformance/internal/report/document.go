package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/known"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// Format is the version of the form of documents. It changes when a reader of the
// last one would misunderstand the next.
const Format = 1

// A Document is the report of one run as data. Schema says the same of it as JSON.
type Document struct {
	Format         int            `json:"format"`
	SuiteVersion   string         `json:"suite_version"`
	SpecVersion    string         `json:"spec_version"`
	Implementation Implementation `json:"implementation"`
	// Command started the server.
	Command   []string `json:"command"`
	Seed      uint64   `json:"seed"`
	Delivery  string   `json:"delivery"` // of requests for which a scenario does not choose
	Timescale float64  `json:"timescale"`
	Strict    bool     `json:"strict"`
	// Started is when the run began, in UTC and to the second.
	Started   time.Time  `json:"started"`
	Seconds   float64    `json:"seconds"`
	System    System     `json:"system"`
	Verdict   Verdict    `json:"verdict"`
	Counts    Counts     `json:"counts"`
	Scenarios []Scenario `json:"scenarios"` // those that were run, in the order of their ids
}

// An Implementation is what a server says of itself.
type Implementation struct {
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	Features []string `json:"features"`
	PollMS   float64  `json:"poll_ms"`
	SettleMS float64  `json:"settle_ms"`
	// MaxRequestSize is in bytes, 0 for no limit.
	MaxRequestSize int64 `json:"max_request_size"`
}

// A System is what a run ran on.
type System struct {
	OS   string `json:"os"`   // as Go calls it
	Arch string `json:"arch"` // as Go calls it
	CPUs int    `json:"cpus"`
	// FileSystem is that of the folder of the run, see [FileSystem].
	FileSystem string `json:"file_system"`
}

// A Scenario is what became of one scenario, with the evidence.
type Scenario struct {
	ID           string        `json:"id"`
	Summary      string        `json:"summary"`
	Level        spec.Level    `json:"level"`
	Class        string        `json:"class"`
	Feature      string        `json:"feature,omitempty"`
	Requirements []Requirement `json:"requirements"`
	Outcome      Outcome       `json:"outcome"`
	Seconds      float64       `json:"seconds"`
	// Known is nil unless the scenario is listed as known to fail.
	Known *KnownEntry `json:"known,omitempty"`
	// Failure is nil unless a check has failed.
	Failure *Failure `json:"failure,omitempty"`
	// Problem says why a scenario could not be tested, or does not apply.
	Problem string `json:"problem,omitempty"`
	// Files lists the files of the network at the end, a line each.
	Files  []string `json:"files,omitempty"`
	Events []Event  `json:"events,omitempty"`
	// Stderr is the end of the server's log.
	Stderr string `json:"stderr,omitempty"`
	// Reproduce is the command line that runs the scenario again.
	Reproduce string `json:"reproduce"`
}

// A Requirement is one that a scenario covers.
type Requirement struct {
	ID    string     `json:"id"`
	Level spec.Level `json:"level"`
	Class string     `json:"class"`
	Text  string     `json:"text"`
}

// A KnownEntry says that a scenario is listed as one that fails, or may.
type KnownEntry struct {
	Reason string `json:"reason"`
	Flaky  bool   `json:"flaky"`
}

// A Failure is the check that failed.
type Failure struct {
	At       string `json:"at"` // the command of the script
	Expected string `json:"expected"`
	Actual   string `json:"actual"`
	Dead     bool   `json:"dead"` // the server had ended
}

// An Event is something that happened to a file below "rpc", or a command of the
// script.
type Event struct {
	AtMS   float64       `json:"at_ms"` // since the scenario began
	Change script.Change `json:"change"`
	What   string        `json:"what"` // the path with slashes, or the command
	Size   int64         `json:"size"` // in bytes, -1 for none
}

// An Outcome is a [runner.Outcome] as documents write it.
type Outcome string

// outcomes are the words of documents for those of the runner.
var outcomes = map[runner.Outcome]Outcome{
	runner.Pass:           "pass",
	runner.Fail:           "fail",
	runner.Warn:           "warn",
	runner.NotImplemented: "not-implemented",
	runner.NotApplicable:  "not-applicable",
	runner.CouldNotTest:   "could-not-test",
}

// runners is the runner's word for an outcome, "" for none.
func (o Outcome) runners() runner.Outcome {
	for word, written := range outcomes {
		if written == o {
			return word
		}
	}
	return ""
}

// A Run is what a document is made of, beside what the program knows itself.
type Run struct {
	// SuiteVersion and SpecVersion are the versions of the suite and of SPEC.md.
	SuiteVersion, SpecVersion string
	// Ready is what the server said when it was probed.
	Ready target.Ready
	// Command started the server.
	Command []string
	// Config is how the scenarios were run.
	Config runner.Config
	// Started and Duration are of the whole run.
	Started  time.Time
	Duration time.Duration
	// Results are those of the scenarios that were run, in any order.
	Results []runner.Result
	// Summary sums them up.
	Summary Summary
	// Reproduce is the command line that repeats a scenario, with %s for its id.
	Reproduce string
}

// NewDocument makes the document of a run. It looks up the file system of the
// folder of the run, which must still be there.
func NewDocument(run Run) *Document {
	d := &Document{
		Format:       Format,
		SuiteVersion: run.SuiteVersion,
		SpecVersion:  run.SpecVersion,
		Implementation: Implementation{
			Name:           run.Ready.Implementation,
			Version:        run.Ready.Version,
			Features:       append([]string{}, run.Ready.Features...), // never null
			PollMS:         run.Ready.PollMS,
			SettleMS:       run.Ready.SettleMS,
			MaxRequestSize: run.Ready.MaxRequestSize,
		},
		Command:   append([]string{}, run.Command...),
		Seed:      run.Config.Seed,
		Delivery:  run.Config.Delivery.String(),
		Timescale: run.Config.Timescale,
		Strict:    run.Config.Strict,
		Started:   run.Started.UTC().Truncate(time.Second),
		Seconds:   thousandths(run.Duration.Seconds()),
		System: System{
			OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(),
			FileSystem: FileSystem(run.Config.Dir),
		},
		Verdict:   run.Summary.Verdict,
		Counts:    run.Summary.Counts,
		Scenarios: []Scenario{},
	}
	for _, r := range run.Results {
		d.Scenarios = append(d.Scenarios, newScenario(r, run.Reproduce))
	}
	slices.SortFunc(d.Scenarios, func(a, b Scenario) int { return cmp.Compare(a.ID, b.ID) })
	return d
}

func newScenario(r runner.Result, reproduce string) Scenario {
	s := Scenario{
		ID:           r.Scenario.ID,
		Summary:      r.Scenario.Summary,
		Feature:      r.Scenario.Feature,
		Requirements: []Requirement{},
		Outcome:      outcomes[r.Outcome],
		Seconds:      thousandths(r.Duration.Seconds()),
		Problem:      r.Problem,
		Files:        r.Tree,
		Stderr:       r.Stderr,
		Reproduce:    fmt.Sprintf(reproduce, r.Scenario.ID),
	}
	for _, covered := range r.Scenario.Covers {
		s.Requirements = append(s.Requirements, Requirement(covered))
	}
	if len(r.Scenario.Covers) > 0 {
		s.Level, s.Class = r.Scenario.Level(), r.Scenario.Class()
	}
	if r.Known != nil {
		s.Known = &KnownEntry{Reason: r.Known.Reason, Flaky: r.Known.Flaky}
	}
	if f := r.Failure; f != nil {
		s.Failure = &Failure{At: f.Line, Expected: f.Expected, Actual: f.Actual, Dead: f.Dead}
	}
	for _, e := range r.Events {
		s.Events = append(s.Events, Event{
			AtMS:   thousandths(float64(e.At) / float64(time.Millisecond)),
			Change: e.Change,
			What:   e.What,
			Size:   e.Size,
		})
	}
	return s
}

// thousandths rounds: more digits are noise.
func thousandths(x float64) float64 { return math.Round(x*1000) / 1000 }

// Status is what the result means, see [Status].
func (s Scenario) Status() Status {
	var entry *known.Entry
	if s.Known != nil {
		entry = &known.Entry{Flaky: s.Known.Flaky}
	}
	return statusOf(s.Outcome.runners(), entry)
}

// JSON writes the document, indented.
func (d *Document) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false) // for people who read it
	encoder.SetIndent("", "  ")
	return encoder.Encode(d)
}
