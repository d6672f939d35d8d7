// Command syftevent-conformance judges servers of SyftBox's file-based RPC by
// SPEC.md.
//
// Usage:
//
//	syftevent-conformance [run] [flags] [ID ...] [-- COMMAND ...]
//	syftevent-conformance list
//	syftevent-conformance serve
//	syftevent-conformance bench [flags] [MEASURE ...] [-- COMMAND ...]
//	syftevent-conformance version
//
// Run starts COMMAND, or without one the embedded reference, once for each
// scenario, and prints what became of each. SPEC.md, Appendix A, says what
// COMMAND must do.
//
// The exit status is 0 if nothing unexpected was found, 1 if something was, 2
// for a mistake on the command line or in a configuration, and 3 if something
// could not be tested; 1 comes before 3.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// The exit statuses.
const (
	exitOK           = 0
	exitUnexpected   = 1
	exitUsage        = 2
	exitCouldNotTest = 3
)

const usage = `Usage:

  syftevent-conformance [run] [flags] [ID ...] [-- COMMAND ...]
        run the scenarios, all or those that an ID means: the id of a scenario
        or of a requirement that it covers, or a pattern of these such as
        'publish-*'.
        COMMAND starts the server under test; without it, it is the embedded
        reference.
  syftevent-conformance list
        list the scenarios and what they cover
  syftevent-conformance serve
        be the embedded reference, as COMMAND (SPEC.md, Appendix A)
  syftevent-conformance bench [flags] [MEASURE ...] [-- COMMAND ...]
        measure how fast the embedded reference is and what it costs, beside a
        bare loop and, if there is one, COMMAND; in one run, with ratios. The
        measures, all if none is named: burst-1 burst-20 burst-idle latency
        latency-1000 start memory idle-126 idle-1000
  syftevent-conformance version

Flags of run:

  -keep               leave the files of each scenario, and say where
  -ready-timeout D    how long COMMAND may take to become ready, such as 10s (30s)
  -seed N             decides the ids of requests (1)
  -strict             count a SHOULD that is not met as a failure
  -timescale X        stretch every wait, for slow machines (1)
  -v                  show the log of scenarios that pass, too

Flags of bench:

  -dir DIR            measure in this folder, on its file system (the system's for
                      temporary files)
  -idle D             how long a server without work is watched (1m)
  -name NAME          what COMMAND is called in the table
  -runs N             how often each figure is measured, the idle ones once (5)

Of each scenario is said: pass; FAIL, a MUST is not met, or the server has died;
warn, a SHOULD is not met; not implemented, the server does not declare the
feature; not applicable, this system lacks something; COULD NOT TEST, the suite
has failed. The verdict is conformant if every MUST of the core was tested and
met, partial if some were not tested, and otherwise non-conformant.

Exit status: 0 nothing unexpected, 1 something unexpected, 2 usage,
3 something could not be tested.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(command(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// command carries out a command line and returns the exit status.
func command(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var err error
	name, rest := "", args
	if len(args) > 0 {
		name, rest = args[0], args[1:]
	}
	switch name {
	case "list":
		err = list(rest, stdout)
	case "serve":
		err = serve(ctx, rest, stdin, stdout, stderr)
	case "bench":
		err = measure(ctx, rest, stdout, stderr)
	case "version":
		err = printVersion(rest, stdout)
	case "help":
		err = errHelp
	default: // the word "run" may be left out
		if name == "run" {
			args = rest
		}
		var status int
		if status, err = run(ctx, args, stdout, stderr); err == nil {
			return status
		}
	}
	if errors.Is(err, errHelp) {
		fmt.Fprint(stdout, usage)
		return exitOK
	}
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "syftevent-conformance: %v\n", err)
	if asUsage := (*statusError)(nil); errors.As(err, &asUsage) {
		return asUsage.status
	}
	return exitCouldNotTest
}

// A statusError chooses the exit status.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &statusError{exitUsage, fmt.Errorf(format+"; 'syftevent-conformance help' shows the usage", args...)}
}

// errHelp is returned when the usage was asked for.
var errHelp = errors.New("help")

// noArguments refuses arguments of a command that takes none.
func noArguments(name string, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
		return errHelp
	}
	return usageError("%s takes no arguments, not %q", name, args[0])
}

// version is that of the module, as far as the build knows it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}

func printVersion(args []string, stdout io.Writer) error {
	if err := noArguments("version", args); err != nil {
		return err
	}
	goVersion := "an unknown Go"
	if info, ok := debug.ReadBuildInfo(); ok {
		goVersion = info.GoVersion
	}
	_, err := fmt.Fprintf(stdout, "syftevent-conformance %s (%s)\n", version(), goVersion)
	return err
}
