package main

import (
	"context"
	"flag"
	"io"
)

// program is the name of the command in its messages.
const program = "syftevent-conformance"

// stdio holds the standard streams.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// A subcommand is a command of the program.
type subcommand struct {
	name    string
	args    string // what follows the name
	summary string
	flags   func(*flag.FlagSet) // defines the flags. Nil means none.
	details func() string       // the rest of the help. Nil means none.
	hidden  bool                // used by other commands; not in the list
	run     func(ctx context.Context, args []string, std stdio) (status int, err error)
}

// commands returns the table of commands. The first is the default.
func commands() []subcommand {
	return []subcommand{{
		name:    "run",
		args:    "[flags] [ID ...] [-- COMMAND ...]",
		summary: "run scenarios against a server or client",
		flags:   new(runFlags).define,
		details: func() string { return runDetails },
		run: func(ctx context.Context, args []string, std stdio) (int, error) {
			return run(ctx, args, std.out, std.err)
		},
	}, {
		name:    "smoke",
		args:    "[flags] [ID ...] [-- COMMAND ...]",
		summary: "check that a server or client is ready to be tested",
		flags:   new(runFlags).defineServer,
		details: func() string { return smokeDetails },
		run: func(ctx context.Context, args []string, std stdio) (int, error) {
			return smoke(ctx, args, std.out, std.err)
		},
	}, {
		name:    "list",
		args:    "[flags]",
		summary: "list scenarios or requirements",
		flags:   new(listFlags).define,
		run: func(_ context.Context, args []string, std stdio) (int, error) {
			return exitOK, list(args, std.out)
		},
	}, {
		name:    "explain",
		args:    "ID",
		summary: "show a requirement, a scenario or a defect",
		run: func(_ context.Context, args []string, std stdio) (int, error) {
			return exitOK, explain(args, std.out)
		},
	}, {
		name:    "serve",
		args:    "[flags]",
		summary: "run the embedded reference server or client",
		flags:   new(serveFlags).define,
		details: func() string { return serveDetails },
		run: func(ctx context.Context, args []string, std stdio) (int, error) {
			return exitOK, serve(ctx, args, std)
		},
	}, {
		name:    "box",
		args:    "[flags] DIR EMAIL...",
		summary: "run a simulated SyftBox network",
		flags:   new(boxFlags).define,
		details: boxDetails,
		run: func(ctx context.Context, args []string, std stdio) (int, error) {
			return exitOK, runBox(ctx, args, std.out)
		},
	}, {
		name:    "mutants",
		args:    "[flags] [NAME ...]",
		summary: "prove that every check can fail",
		flags:   new(mutantFlags).define,
		details: func() string { return mutantsDetails },
		run: func(ctx context.Context, args []string, std stdio) (int, error) {
			return mutants(ctx, args, std.out)
		},
	}, {
		name:    "mutant",
		args:    "NAME",
		summary: "run a server or a client with the defect NAME",
		hidden:  true,
		run: func(ctx context.Context, args []string, std stdio) (int, error) {
			return exitOK, runMutant(ctx, args, std.in, std.out, std.err)
		},
	}, {
		name:    "matrix",
		args:    "[flags] FILE.json ...",
		summary: "compare servers and clients by their JSON reports",
		flags:   new(matrixFlags).define,
		details: func() string { return matrixDetails },
		run: func(_ context.Context, args []string, std stdio) (int, error) {
			return exitOK, compare(args, std.out)
		},
	}, {
		name:    "bench",
		args:    "[flags] [MEASURE ...] [-- COMMAND ...]",
		summary: "measure speed and cost of servers",
		flags:   new(benchFlags).define,
		details: benchDetails,
		run: func(ctx context.Context, args []string, std stdio) (int, error) {
			return exitOK, measure(ctx, args, std.out, std.err)
		},
	}, {
		name:    "real",
		args:    "[flags] -syftbox DIR",
		summary: "compare fakebox with the real SyftBox",
		flags:   new(realFlags).define,
		details: func() string { return realDetails },
		run: func(ctx context.Context, args []string, std stdio) (int, error) {
			return runReal(ctx, args, std.out, std.err)
		},
	}, {
		name:    "version",
		summary: "print the version",
		run: func(_ context.Context, args []string, std stdio) (int, error) {
			return exitOK, printVersion(args, std.out)
		},
	}, {
		name:    "help",
		args:    "[COMMAND | ci]",
		summary: "show help",
		run: func(_ context.Context, args []string, std stdio) (int, error) {
			return exitOK, help(args, std.out)
		},
	}}
}

const runDetails = `An ID is a scenario, a requirement, or a pattern such as 'publish-*'. Without an
ID, all scenarios run. COMMAND starts the server under test; SPEC.md, Appendix A,
specifies it. The default is the embedded reference server.

Results:
  pass             the scenario met its requirements
  FAIL             a MUST is not met, or the server died
  warn             a SHOULD is not met
  not implemented  the server does not declare the feature
  not applicable   the system or the server lacks what the scenario needs
  COULD NOT TEST   the suite failed

Verdicts:
  conformant       every MUST of the core and of the declared features is met
  partial          every MUST that was tested is met; some were not tested
  non-conformant   otherwise

On a terminal, results are in color, and the last line shows the progress. NO_COLOR=1
turns the colors off, and TERM=dumb both.

Words in failures ('explain ID' shows the script and the usual causes):
  $RPC      the rpc folder of the server
  canary    a request whose response proves that the server is alive
  quiet     a period in which canaries are answered and nothing else may happen
  trickle   a request that arrives in pieces
  permits   what syft.pub.yaml allows
  swift     SyftBox sends the response at once
  confined  no file appeared outside the expected folders
  vectors   requests and their expected results, as data in testdata/vectors
`

const smokeDetails = `Smoke runs one check for each rule of SPEC.md, Appendix A, for COMMAND. Without an
ID, all checks run.
`

const serveDetails = `Serve implements COMMAND of SPEC.md, Appendix A, in both roles.

A client reads calls from standard input, makes them concurrently, and prints the result of
each as a line of JSON. It ends when its input has ended and every call has a result.
`

const mutantsDetails = `Mutants runs scenarios against a server, or a client, with one defect at a time, and
requires that exactly the scenarios listed for the defect fail. A NAME selects a defect;
the default is all.
`

const matrixDetails = `Matrix reads reports of 'run -json' and prints a table of requirements and servers,
as Markdown on standard output unless -md or -html is set.
`

const realDetails = `Real builds SyftBox from a checkout of OpenMined/syftbox, runs it on the loopback
interface, and runs the same experiments on it and on fakebox. SyftBox needs 5 GB of
free disk space.
`
