package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/known"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// Format is the version of the document format. It changes when older readers would
// misunderstand new documents.
const Format = 1

// A Document is the report of one run. Schema describes its JSON.
type Document struct {
	Format         int            `json:"format"`
	SuiteVersion   string         `json:"suite_version"`
	SpecVersion    string         `json:"spec_version"`
	Implementation Implementation `json:"implementation"`
	// Command started the server.
	Command   []string `json:"command"`
	Seed      uint64   `json:"seed"`
	Delivery  string   `json:"delivery"` // unless a scenario chooses its own
	Timescale float64  `json:"timescale"`
	Strict    bool     `json:"strict"`
	// Started is the start of the run in UTC, to the second.
	Started   time.Time  `json:"started"`
	Seconds   float64    `json:"seconds"`
	System    System     `json:"system"`
	Verdict   Verdict    `json:"verdict"`
	Counts    Counts     `json:"counts"`
	Scenarios []Scenario `json:"scenarios"` // scenarios that ran, by id
}

// An Implementation is the ready line of a server or client.
type Implementation struct {
	Name string `json:"name"`
	// Role is a server in a document without it.
	Role     target.Role `json:"role,omitempty"`
	Version  string      `json:"version"`
	Features []string    `json:"features"`
	PollMS   float64     `json:"poll_ms"`
	SettleMS float64     `json:"settle_ms"`
	// MaxRequestSize is in bytes. 0 means no limit.
	MaxRequestSize int64 `json:"max_request_size"`
}

// A System is the machine of a run.
type System struct {
	OS   string `json:"os"`   // GOOS
	Arch string `json:"arch"` // GOARCH
	CPUs int    `json:"cpus"`
	// FileSystem is the file system of the run's folder, see [FileSystem].
	FileSystem string `json:"file_system"`
}

// A Scenario is the result of one scenario.
type Scenario struct {
	ID           string        `json:"id"`
	Summary      string        `json:"summary"`
	Level        spec.Level    `json:"level"`
	Class        string        `json:"class"`
	Feature      string        `json:"feature,omitempty"`
	Requirements []Requirement `json:"requirements"`
	Outcome      Outcome       `json:"outcome"`
	Seconds      float64       `json:"seconds"`
	// Known is nil unless the scenario is a known failure.
	Known *KnownEntry `json:"known,omitempty"`
	// Failure is nil unless a check failed.
	Failure *Failure `json:"failure,omitempty"`
	// Problem is the reason why the scenario could not be tested or is not applicable.
	Problem string `json:"problem,omitempty"`
	// Files lists the files of the network at the end.
	Files  []string `json:"files,omitempty"`
	Events []Event  `json:"events,omitempty"`
	// Stderr is the end of the server's log.
	Stderr string `json:"stderr,omitempty"`
	// Reproduce is the command line that runs the scenario again.
	Reproduce string `json:"reproduce"`
}

// A Requirement is a requirement that a scenario covers.
type Requirement struct {
	ID    string     `json:"id"`
	Level spec.Level `json:"level"`
	Class string     `json:"class"`
	Text  string     `json:"text"`
}

// A KnownEntry is the entry of a scenario in the list of known failures.
type KnownEntry struct {
	Reason string `json:"reason"`
	Flaky  bool   `json:"flaky"`
}

// A Failure is the check that failed.
type Failure struct {
	At       string `json:"at"` // command of the script
	Expected string `json:"expected"`
	Actual   string `json:"actual"`
	Dead     bool   `json:"dead"` // the server died
	// Requirements lists the violated requirements if these are only some of the scenario's.
	Requirements []string `json:"requirements,omitempty"`
}

// An Event is a change of a file below "rpc", or a command of the script.
type Event struct {
	AtMS   float64       `json:"at_ms"` // since the start of the scenario
	Change script.Change `json:"change"`
	What   string        `json:"what"` // slash-separated path, or command
	Size   int64         `json:"size"` // in bytes; -1 means no file
}

// An Outcome is a [runner.Outcome] in a document.
type Outcome string

// outcomes maps the outcomes of the runner to those of documents.
var outcomes = map[runner.Outcome]Outcome{
	runner.Pass:           "pass",
	runner.Fail:           "fail",
	runner.Warn:           "warn",
	runner.NotImplemented: "not-implemented",
	runner.NotApplicable:  "not-applicable",
	runner.CouldNotTest:   "could-not-test",
}

// runners returns the outcome of the runner, or "" for an unknown outcome.
func (o Outcome) runners() runner.Outcome {
	for word, written := range outcomes {
		if written == o {
			return word
		}
	}
	return ""
}

// A Run is the input of [NewDocument].
type Run struct {
	// SuiteVersion and SpecVersion are the versions of the suite and of SPEC.md.
	SuiteVersion, SpecVersion string
	// Ready is the ready line of the probe.
	Ready target.Ready
	// Command started the server.
	Command []string
	// Config is the configuration of the run.
	Config runner.Config
	// Started and Duration are those of the whole run.
	Started  time.Time
	Duration time.Duration
	// Results are the results of the scenarios that ran, in any order.
	Results []runner.Result
	Summary Summary
	// Reproduce is the command line that repeats a scenario, with %s for its id.
	Reproduce string
}

// NewDocument returns the document of a run. The folder of the run must still exist.
func NewDocument(run Run) *Document {
	d := &Document{
		Format:       Format,
		SuiteVersion: run.SuiteVersion,
		SpecVersion:  run.SpecVersion,
		Implementation: Implementation{
			Name:           run.Ready.Implementation,
			Role:           run.Ready.Role,
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
		Reproduce:    fmt.Sprintf(reproduce, strings.TrimSpace(r.During+" "+r.Scenario.ID)),
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
		s.Failure = &Failure{At: f.Line, Expected: f.Expected, Actual: f.Actual, Dead: f.Dead, Requirements: f.Requirements}
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

// thousandths rounds to three decimals.
func thousandths(x float64) float64 { return math.Round(x*1000) / 1000 }

// Status returns the [Status] of the result.
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
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(d)
}
