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

// contract summarizes the ready line.
const contract = `SPEC.md, Appendix A: when the server is ready to answer requests, it prints one line of
JSON to standard output and flushes it. Logs go to standard error. Example:
    {"ready":true,"implementation":"my server","version":"1.0","features":[],"poll_ms":100}
`

// smoke runs the command smoke.
func smoke(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	f, err := parseSmoke(args)
	if err != nil {
		return 0, err
	}
	all, err := scenario.Smoke()
	if err != nil {
		return 0, err
	}
	checks, err := scenario.Select(all, f.selectors)
	if err != nil {
		return 0, usageError("no check matches %s; the checks are %s", strings.Join(f.selectors, " or "), strings.Join(ids(all), ", "))
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

// showReady prints the ready line and warns about unknown features.
func showReady(stdout io.Writer, ready target.Ready) error {
	size := "unlimited"
	if ready.MaxRequestSize > 0 {
		size = fmt.Sprintf("%d bytes", ready.MaxRequestSize)
	}
	fmt.Fprintln(stdout, "Ready line:")
	for _, line := range [][2]string{
		{"implementation", ready.Implementation},
		{"version", ready.Version},
		{"features", orNone(ready.Features)},
		{"poll_ms", fmt.Sprintf("%v: longest time between two scans", ready.PollMS)},
		{"settle_ms", fmt.Sprintf("%v: time after which an unchanged incomplete file is final", ready.SettleMS)},
		{"republish_ms", fmt.Sprintf("%v: time after which a deleted response is republished", ready.RepublishMS)},
		{"orphan_ms", fmt.Sprintf("%v: time after which a response without a request is removed; 0 means never", ready.OrphanMS)},
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
			fmt.Fprintf(stdout, "    unknown feature %q; the features are %s\n", feature, strings.Join(known, ", "))
		}
	}
	fmt.Fprintln(stdout)
	return nil
}

// notDeclared returns the features that a server does not declare.
func notDeclared(declared []string) ([]string, error) {
	all, err := features()
	return slices.DeleteFunc(all, func(feature string) bool { return slices.Contains(declared, feature) }), err
}

// features returns the features that scenarios require.
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

// judgement summarizes the results of the checks.
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
	say(runner.Warn, "Should fix (SPEC.md, Appendix A): %s.")
	if len(missing) > 0 {
		lines = append(lines, fmt.Sprintf("Not tested, because the server does not declare them: %s.", strings.Join(missing, ", ")))
	}
	say(runner.NotApplicable, "Not applicable on this system: %s.")
	say(runner.CouldNotTest, "Could not test: %s.")
	say(runner.Fail, "Must fix (SPEC.md, Appendix A): %s.")
	verdict := "The server is ready for the suite."
	switch {
	case len(results[runner.Fail]) > 0:
		verdict = "The server is not ready for the suite."
	case done < selected || len(results[runner.CouldNotTest]) > 0:
		verdict = "Unknown whether the server is ready for the suite: some checks did not run."
	case selected < all:
		verdict = "The server passed the selected checks. Run smoke without an ID for all checks."
	}
	return strings.Join(append([]string{verdict}, lines...), "\n")
}
