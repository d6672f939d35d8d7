package main

import (
	"context"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/report"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/terminal"
)

// text returns the text report of a run.
func (f *runFlags) text(out *terminal.Output) *report.Text {
	return &report.Text{
		Out: out, Screen: out.Screen(), Quiet: f.quiet, Verbose: f.verbose,
		Reproduce: f.reproduce(),
		Explain:   strings.ReplaceAll(strings.Join(programName(), " "), "%", "%%") + " explain %s",
	}
}

// follow runs scenarios and calls done with each result, which it may change. It shows on a
// terminal how far the run is, unless the run is quiet.
func (f *runFlags) follow(ctx context.Context, config runner.Config, ready target.Ready, scenarios []scenario.Scenario, out *terminal.Output, done func(*runner.Result)) {
	p := &progress{out: out, total: len(scenarios)}
	if f.quiet {
		p.out = terminal.NewOutput(out, terminal.Screen{})
	}
	config.Starting = p.started
	runner.Run(ctx, config, ready, scenarios, func(r runner.Result) {
		done(&r)
		p.ended(r.Scenario.ID, report.StatusOf(r) == report.Failed)
	})
	p.end()
}
