// Package experiment compares the real SyftBox with fakebox. It has one table of
// experiments, each with an observation that both networks must show. One observer polls
// the replicas of either network and records who had which file when.
//
// Most experiments write plain files and judge the networks. The others start a server
// and a client, of the library or of the Python package, and judge those.
package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An Isolation says what may run beside an experiment.
type Isolation int

const (
	// Shared experiments run concurrently on one network, each with its own app.
	Shared Isolation = iota
	// Own experiments disturb others, so each has its own network.
	Own
	// Exclusive experiments measure times or fill queues, so nothing else runs.
	Exclusive
)

// An Experiment is one row of the table.
type Experiment struct {
	Name string
	// Want is the observation that both networks must show.
	Want      string
	Isolation Isolation
	// Python reports whether the experiment needs the Python package.
	Python bool
	// Command reports whether the experiment needs the command syftevent.
	Command bool
	// Library reports whether the experiment judges the library, not the networks.
	Library bool

	run func(ctx context.Context, t *trial) error
}

// app returns the name of the experiment's app.
func (e Experiment) app() string { return "x-" + e.Name }

// Table returns all experiments.
func Table() []Experiment {
	return slices.Concat(pathExperiments, removalExperiments, nameExperiments, outageExperiments, burstExperiments,
		gatewayExperiments, libraryExperiments, interopExperiments, proxyExperiments)
}

// A failure is a wrong observation. Any other error means that the experiment could not
// run.
type failure struct{ text string }

func (f failure) Error() string { return f.text }

func failf(format string, args ...any) error { return failure{fmt.Sprintf(format, args...)} }

// A Verdict is the outcome of an experiment on one network.
type Verdict string

const (
	// Agrees means that the network shows what the experiment wants.
	Agrees Verdict = "agrees"
	// Differs means that it does not.
	Differs Verdict = "differs"
	// Failed means that the experiment could not run.
	Failed Verdict = "could not test"
)

// A Result is the result of an experiment on one network.
type Result struct {
	Experiment Experiment
	Network    string
	Verdict    Verdict
	// Seen summarizes what the experiment observed.
	Seen string
	// Err is nil if Verdict is Agrees.
	Err error
	// Attempt is the number of the attempt, from 1.
	Attempt int
	// Dir is the directory of the timeline and the logs.
	Dir  string
	Took time.Duration
}

// judge returns the verdict for an experiment's error.
func judge(err error) Verdict {
	var f failure
	switch {
	case err == nil:
		return Agrees
	case errors.As(err, &f):
		return Differs
	}
	return Failed
}

// A Difference is a known difference between the networks.
type Difference struct {
	Experiment string
	Network    string
	Reason     string
}

// Known are the known differences between the real SyftBox and fakebox. Remove one when
// it is no longer observed.
var Known = []Difference{}

// known returns the known difference that a result shows, if any.
func known(list []Difference, r Result) (Difference, bool) {
	i := slices.IndexFunc(list, func(d Difference) bool {
		return d.Experiment == r.Experiment.Name && d.Network == r.Network
	})
	if i < 0 {
		return Difference{}, false
	}
	return list[i], true
}

// Unexpected returns a line for each result that contradicts the table and the list of
// known differences.
func Unexpected(results []Result, list []Difference) []string {
	var lines []string
	for _, r := range results {
		d, listed := known(list, r)
		switch {
		case r.Verdict == Agrees && listed:
			lines = append(lines, fmt.Sprintf("%s on %s: agrees, although a difference is listed (%s)", r.Experiment.Name, r.Network, d.Reason))
		case r.Verdict != Agrees && !listed:
			lines = append(lines, fmt.Sprintf("%s on %s: %s: %v", r.Experiment.Name, r.Network, r.Verdict, r.Err))
		}
	}
	return lines
}

// oneLine makes a text fit into a table cell.
func oneLine(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "|", "/")), " ")
}
