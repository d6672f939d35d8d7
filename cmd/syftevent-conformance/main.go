// Command syftevent-conformance judges servers of SyftBox's file-based RPC by
// SPEC.md.
//
// Usage:
//
//	syftevent-conformance [run] [flags] [ID ...] [-- COMMAND ...]
//	syftevent-conformance smoke [flags] [ID ...] [-- COMMAND ...]
//	syftevent-conformance list [-json] [-requirements]
//	syftevent-conformance explain ID
//	syftevent-conformance serve
//	syftevent-conformance client
//	syftevent-conformance box [flags] DIR EMAIL...
//	syftevent-conformance mutants [flags] [NAME ...]
//	syftevent-conformance matrix [flags] FILE.json ...
//	syftevent-conformance bench [flags] [MEASURE ...] [-- COMMAND ...]
//	syftevent-conformance real [flags] -syftbox DIR
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

func main() {
	// A reader of the output that goes away ends a run as well, and so does the end of
	// the terminal, unless it was told not to (nohup).
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE}
	if !signal.Ignored(syscall.SIGHUP) {
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
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
	case "explain":
		err = explain(rest, stdout)
	case "smoke":
		var status int
		if status, err = smoke(ctx, rest, stdout, stderr); err == nil {
			return status
		}
	case "serve":
		err = serve(ctx, rest, stdin, stdout, stderr)
	case "client":
		err = callAll(ctx, rest, stdin, stdout)
	case "mutants":
		var status int
		if status, err = mutants(ctx, rest, stdout); err == nil {
			return status
		}
	case "mutant": // what mutants starts; not for people
		err = beMutant(ctx, rest, stdin, stdout, stderr)
	case "box":
		err = playBox(ctx, rest, stdout)
	case "matrix":
		err = compare(rest, stdout)
	case "bench":
		err = measure(ctx, rest, stdout, stderr)
	case "real":
		var status int
		if status, err = runReal(ctx, rest, stdout, stderr); err == nil {
			return status
		}
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
	if err == nil || errors.Is(err, syscall.EPIPE) { // the reader has seen enough
		return exitOK
	}
	printError(stderr, err)
	if asUsage := (*statusError)(nil); errors.As(err, &asUsage) {
		return asUsage.status
	}
	return exitCouldNotTest
}

// printError prints an error, if there is one.
func printError(stderr io.Writer, err error) {
	if err != nil {
		fmt.Fprintf(stderr, "syftevent-conformance: %v\n", err)
	}
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
