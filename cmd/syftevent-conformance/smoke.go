package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/report"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// contract reminds of what a server must do to be tested at all.
const contract = `SPEC.md, Appendix A: when requests will be answered, the server prints one line of JSON
on standard output, and flushes it. It logs on standard error. The line is such as
    {"ready":true,"implementation":"my server","version":"1.0","features":[],"poll_ms":100}
`

// smoke checks whether a server is ready for the suite and returns the exit status.
func smoke(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	f, err := parseRun("smoke", args)
	if err != nil {
		return 0, err
	}
	if f.known != "" {
		return 0, usageError("smoke: -known is for run: the suite wants all that smoke checks")
	}
	if f.reports != (reportFlags{}) {
		return 0, usageError("smoke writes no reports: -json, -junit and -md are for run")
	}
	all, err := scenario.Smoke()
	if err != nil {
		return 0, err
	}
	checks, err := scenario.Select(all, f.selectors)
	if err != nil {
		return 0, usageError("smoke has no check that %s means; the checks are %s", strings.Join(f.selectors, " or "), strings.Join(ids(all), ", "))
	}
	config, remove, err := f.begin(stdout)
	if err != nil {
		return 0, err
	}
	defer remove()
	ready, err := probe(ctx, config, stdout, stderr)
	if err != nil {
		if notReady := (*target.NotReadyError)(nil); errors.As(err, &notReady) {
			fmt.Fprint(stderr, contract)
		}
		return 0, err
	}
	if err := showReady(stdout, ready); err != nil {
		return 0, err
	}
	missing, err := notDeclared(ready.Features)
	if err != nil {
		return 0, err
	}
	text := &report.Text{Out: stdout, Verbose: f.verbose, Reproduce: f.reproduce()}
	text.Begin(ready, f.seed, ids(checks))
	results := map[runner.Outcome][]string{} // the ids
	done := 0
	runner.Run(ctx, config, ready, checks, func(r runner.Result) {
		done++
		results[r.Outcome] = append(results[r.Outcome], r.Scenario.ID)
		text.Add(r)
	})
	fmt.Fprintf(stdout, "\n%d passed, %d failed\n%s\n", len(results[runner.Pass]), len(results[runner.Fail]), judgement(results, len(checks), len(all), missing))
	switch {
	case len(results[runner.Fail]) > 0:
		return exitUnexpected, nil
	case ctx.Err() != nil:
		return 0, errInterrupted
	case done < len(checks) || len(results[runner.CouldNotTest]) > 0:
		return exitCouldNotTest, nil
	}
	return exitOK, nil
}

// showReady shows what the server says of itself, and what in it may be a mistake.
func showReady(stdout io.Writer, ready target.Ready) error {
	size := "unlimited"
	if ready.MaxRequestSize > 0 {
		size = fmt.Sprintf("%d bytes", ready.MaxRequestSize)
	}
	fmt.Fprintf(stdout, "The ready line says:\n")
	for _, line := range [][2]string{
		{"implementation", ready.Implementation},
		{"version", ready.Version},
		{"features", orNone(ready.Features)},
		{"poll_ms", fmt.Sprintf("%v, the longest time between two looks for requests", ready.PollMS)},
		{"settle_ms", fmt.Sprintf("%v, how long an incomplete file must stay the same", ready.SettleMS)},
		{"republish_ms", fmt.Sprintf("%v, after which time a response that was deleted is published again", ready.RepublishMS)},
		{"orphan_ms", fmt.Sprintf("%v, after which time a response without its request is removed; 0 is never", ready.OrphanMS)},
		{"max_request_size", size},
	} {
		fmt.Fprintf(stdout, "    %-17s %s\n", line[0], line[1])
	}
	known, err := features()
	if err != nil {
		return err
	}
	for _, feature := range ready.Features {
		if !slices.Contains(known, feature) {
			fmt.Fprintf(stdout, "    There is no feature %q: the features are %s.\n", feature, strings.Join(known, ", "))
		}
	}
	fmt.Fprintln(stdout)
	return nil
}

// notDeclared are the features that a server lacks.
func notDeclared(declared []string) ([]string, error) {
	all, err := features()
	return slices.DeleteFunc(all, func(feature string) bool { return slices.Contains(declared, feature) }), err
}

// features are those that scenarios ask for.
func features() ([]string, error) {
	scenarios, err := scenario.All()
	if err != nil {
		return nil, err
	}
	smoke, err := scenario.Smoke()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range append(scenarios, smoke...) {
		if s.Feature != "" {
			names = append(names, s.Feature)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

// judgement says in words what the checks have come to.
func judgement(results map[runner.Outcome][]string, selected, all int, missing []string) string {
	var lines []string
	say := func(outcome runner.Outcome, format string) {
		if ids := results[outcome]; len(ids) > 0 {
			slices.Sort(ids)
			lines = append(lines, fmt.Sprintf(format, strings.Join(ids, ", ")))
		}
	}
	done := 0
	for _, ids := range results {
		done += len(ids)
	}
	say(runner.Warn, "Not as it should be, though it may be: %s.")
	if len(missing) > 0 {
		lines = append(lines, fmt.Sprintf("What the suite will pass over: it does not declare the features %s.", strings.Join(missing, ", ")))
	}
	say(runner.NotApplicable, "This system does not allow: %s.")
	say(runner.CouldNotTest, "The suite itself failed in: %s.")
	say(runner.Fail, "To be mended, as SPEC.md, Appendix A, says: %s.")
	verdict := "The server is ready for the suite."
	switch {
	case len(results[runner.Fail]) > 0:
		verdict = "The server is not ready for the suite."
	case done < selected || len(results[runner.CouldNotTest]) > 0:
		verdict = "Whether the server is ready for the suite is not known: not all was checked."
	case selected < all:
		verdict = "The server has passed what was checked; without an ID all is."
	}
	return strings.Join(append([]string{verdict}, lines...), "\n")
}
