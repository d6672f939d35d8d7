// Command syftevent-conformance tests servers of SyftBox's file-based RPC against
// SPEC.md.
//
//	syftevent-conformance [run] [flags] [ID ...] [-- COMMAND ...]
//
// Run starts COMMAND, by default the embedded reference server, once per scenario
// and reports the result of each. SPEC.md, Appendix A, specifies COMMAND.
//
// "syftevent-conformance help" lists the other commands and the exit statuses.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"syscall"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
)

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	// Further signals do nothing: the command ends servers that it has started.
	cmdline.CancelOnSignal(cancel, false)
	discardSIGPIPE()
	os.Exit(command(ctx, os.Args[1:], os.Stdin, endingOutput{os.Stdout, cancel}, endingOutput{os.Stderr, cancel}))
}

// command runs a command line and returns the exit status.
func command(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c, args := findCommand(args)
	status, err := c.run(ctx, args, stdio{stdin, stdout, stderr})
	switch {
	case errors.Is(err, cmdline.ErrHelp):
		printCommandHelp(stdout, c)
		return exitOK
	case errors.Is(err, syscall.EPIPE):
		return exitOK
	case err == nil:
		return status
	}
	if failed := (*statusError)(nil); errors.As(err, &failed) {
		if failed.usage {
			err = fmt.Errorf("%w; see '%s help %s'", err, program, c.name)
		}
		printError(stderr, err)
		return failed.status
	}
	printError(stderr, err)
	if errors.Is(err, errInterrupted) {
		return interruptedStatus(ctx)
	}
	return exitCouldNotTest
}

// findCommand returns the command that a command line names, by default run, and its
// arguments.
func findCommand(args []string) (subcommand, []string) {
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "-version", "--version":
		name = "version"
	}
	table := commands()
	if i := slices.IndexFunc(table, func(c subcommand) bool { return c.name == name }); i >= 0 {
		return table[i], args[1:]
	}
	return table[0], args
}

// version returns the version of the module, or "devel" if the build does not know it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}

func printVersion(args []string, stdout io.Writer) error {
	if err := parseNothing("version", args); err != nil {
		return err
	}
	goVersion := "unknown Go version"
	if info, ok := debug.ReadBuildInfo(); ok {
		goVersion = info.GoVersion
	}
	_, err := fmt.Fprintf(stdout, "%s %s (%s)\n", program, version(), goVersion)
	return err
}
