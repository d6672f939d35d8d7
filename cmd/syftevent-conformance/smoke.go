package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/terminal"
)

// contract summarizes the ready line.
const contract = `SPEC.md, Appendix A: when the server is ready to answer requests, it prints one line of
JSON to standard output and flushes it. Logs go to standard error. Example:
    {"ready":true,"implementation":"my server","version":"1.0","features":[],"poll_ms":100}
A client, which SYFTEVENT_ROLE asks for, adds "role":"client".
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
	all = scenario.Of(f.role, all)
	checks, err := scenario.Select(all, f.selectors)
	if err != nil {
		return 0, usageError("no check matches %s; the checks are %s", strings.Join(f.selectors, " or "), strings.Join(ids(all), ", "))
	}
	out := terminal.NewOutput(stdout, screenOf(stdout))
	config, remove, err := f.begin(out)
	if err != nil {
		return 0, err
	}
	defer remove()
	ready, err := probe(ctx, config, stderr)
	if err != nil {
		if notReady := (*target.NotReadyError)(nil); errors.As(err, &notReady) {
			fmt.Fprint(stderr, contract)
		}
		return 0, err
	}
	if err := showReady(out, ready); err != nil {
		return 0, err
	}
	missing, err := notDeclared(ready)
	if err != nil {
		return 0, err
	}
	text := f.text(out)
	text.Begin(ready, f.seed, ids(checks))
	results := map[runner.Outcome][]string{} // the ids
	done := 0
	f.follow(ctx, config, ready, checks, out, func(r *runner.Result) {
		done++
		results[r.Outcome] = append(results[r.Outcome], r.Scenario.ID)
		text.Add(*r)
	})
	fmt.Fprintf(out, "\n%d passed, %d failed\n%s\n", len(results[runner.Pass]), len(results[runner.Fail]), judgement(results, len(checks), len(all), missing))
	switch {
	case signaled(ctx):
		return 0, errInterrupted
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
	lines := [][2]string{
		{"implementation", ready.Implementation},
		{"version", ready.Version},
		{"features", orNone(ready.Features)},
		{"poll_ms", fmt.Sprintf("%v: longest time between two scans", ready.PollMS)},
		{"settle_ms", fmt.Sprintf("%v: time after which an unchanged incomplete file is final", ready.SettleMS)},
	}
	if ready.Role == target.Client {
		lines = append(lines,
			[2]string{"resend_ms", fmt.Sprintf("%v: time after which a missing request is sent again; 0 means never", ready.ResendMS)},
			[2]string{"max_response_size", sizeText(ready.MaxResponseSize)})
	} else {
		lines = append(lines,
			[2]string{"republish_ms", fmt.Sprintf("%v: time after which a deleted response is republished", ready.RepublishMS)},
			[2]string{"orphan_ms", fmt.Sprintf("%v: time after which a response without a request is removed; 0 means never", ready.OrphanMS)},
			[2]string{"max_request_size", sizeText(ready.MaxRequestSize)})
	}
	fmt.Fprintln(stdout, "Ready line:")
	for _, line := range lines {
		fmt.Fprintf(stdout, "    %-17s %s\n", line[0], line[1])
	}
	known, err := features(ready.Role)
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

// sizeText describes a limit in bytes.
func sizeText(size int64) string {
	if size == 0 {
		return "unlimited"
	}
	return fmt.Sprintf("%d bytes", size)
}

// notDeclared returns the features that a server or client does not declare.
func notDeclared(ready target.Ready) ([]string, error) {
	all, err := features(ready.Role)
	return slices.DeleteFunc(all, func(feature string) bool { return slices.Contains(ready.Features, feature) }), err
}

// features returns the features that scenarios of a role require.
func features(role target.Role) ([]string, error) {
	scenarios, err := scenario.All()
	if err != nil {
		return nil, err
	}
	smoke, err := scenario.Smoke()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range scenario.Of(role, append(scenarios, smoke...)) {
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
