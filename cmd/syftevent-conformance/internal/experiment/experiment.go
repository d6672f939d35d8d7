// Package experiment has one table of experiments that are run against both the real
// SyftBox and fakebox, its imitation. Each experiment states what must be seen on both
// networks and fails on the one where it is not. The same observer, which polls the
// replicas, tells for both who had which file when.
//
// Most experiments write plain files and judge the networks. Those that start the
// server and the client of the library, or of the Python package, judge these.
package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Place says beside what an experiment may run.
type Place int

const (
	// Shared experiments run at the same time on one network, each in an app of its
	// own.
	Shared Place = iota
	// Own experiments disturb others and have a network to themselves.
	Own
	// Exclusive experiments measure times or fill queues: nothing else runs.
	Exclusive
)

// An Experiment is one row of the table.
type Experiment struct {
	Name string
	// Want is what must be seen on both networks.
	Want  string
	Place Place
	// Python is whether it needs a Python with the package.
	Python bool
	// Library is whether it judges the library, and not the networks.
	Library bool

	run func(ctx context.Context, t *trial) error
}

// app is the name of the app that the experiment uses.
func (e Experiment) app() string { return "x-" + e.Name }

// Table returns all experiments.
func Table() []Experiment {
	return slices.Concat(pathExperiments, removalExperiments, nameExperiments, outageExperiments, burstExperiments,
		gatewayExperiments, libraryExperiments, interopExperiments)
}

// A failure is something that was seen and must not be, or the other way round. Other
// errors mean that an experiment could not be carried out.
type failure struct{ text string }

func (f failure) Error() string { return f.text }

func failf(format string, args ...any) error { return failure{fmt.Sprintf(format, args...)} }

// A Verdict is what became of an experiment on one network.
type Verdict string

const (
	// Agrees means that what must be seen was seen.
	Agrees Verdict = "agrees"
	// Differs means that it was not.
	Differs Verdict = "differs"
	// NotImitated means that the network lacks what the experiment needs.
	NotImitated Verdict = "not imitated"
	// Failed means that the experiment could not be carried out.
	Failed Verdict = "could not test"
)

// A Result is what an experiment has seen on one network.
type Result struct {
	Experiment Experiment
	Network    string
	Verdict    Verdict
	// Seen is what was seen, in short.
	Seen string
	// Err says what is wrong, nil if Verdict is Agrees.
	Err error
	// Attempt is which attempt this was: 1 for the first.
	Attempt int
	// Dir has the files of the experiment: the timeline and the logs.
	Dir  string
	Took time.Duration
}

// judge turns the end of an experiment into a verdict.
func judge(err error) Verdict {
	var f failure
	switch {
	case err == nil:
		return Agrees
	case errors.Is(err, ErrNotImitated):
		return NotImitated
	case errors.As(err, &f):
		return Differs
	}
	return Failed
}

// A Difference is one that is known and listed.
type Difference struct {
	Experiment string
	Network    string
	Reason     string
}

// Known are the differences between the real SyftBox and fakebox that are listed. One
// that is no longer seen is to be removed from the list.
var Known = []Difference{}

// known returns the listed difference of a result, if there is one.
func known(list []Difference, r Result) (Difference, bool) {
	i := slices.IndexFunc(list, func(d Difference) bool {
		return d.Experiment == r.Experiment.Name && d.Network == r.Network
	})
	if i < 0 {
		return Difference{}, false
	}
	return list[i], true
}

// Unexpected returns a line for each result that is not as the table and the list of
// known differences say.
func Unexpected(results []Result, list []Difference) []string {
	var lines []string
	for _, r := range results {
		d, listed := known(list, r)
		switch {
		case r.Verdict == Agrees && listed:
			lines = append(lines, fmt.Sprintf("%s on %s: agrees, though a difference is listed (%s)", r.Experiment.Name, r.Network, d.Reason))
		case r.Verdict != Agrees && !listed:
			lines = append(lines, fmt.Sprintf("%s on %s: %s: %v", r.Experiment.Name, r.Network, r.Verdict, r.Err))
		}
	}
	return lines
}

// oneLine fits an error into a cell of a table.
func oneLine(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "|", "/")), " ")
}
