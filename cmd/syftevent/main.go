// Command syftevent calls, serves and shows apps on SyftBox.
//
//	syftevent call bob@example.com/notes/list
//	syftevent serve -app notes -to http://127.0.0.1:8080
//	syftevent ls bob@example.com/notes
//	syftevent watch notes
//	syftevent workers notes
//
// "syftevent help" lists all commands and the exit statuses.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
)

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	cmdline.CancelOnSignal(cancel, true)
	os.Exit(command(ctx, os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}

// command runs a command line and returns the exit status.
func command(ctx context.Context, args []string, std stdio) int {
	if len(args) == 0 {
		printHelp(std.err)
		return exitUsage
	}
	c, ok := findCommand(args[0])
	if !ok {
		err := unknownName("command", args[0], commandNames())
		fmt.Fprintf(std.err, "%s: %v; see '%s help'\n", program, err, program)
		return exitUsage
	}
	err := c.run(ctx, args[1:], std)
	if err == nil {
		return exitOK
	}
	if errors.Is(err, cmdline.ErrHelp) {
		printCommandHelp(std.out, c)
		return exitOK
	}
	if errors.Is(err, errInterrupted) {
		return interruptedStatus(ctx)
	}
	status := exitFailed
	if failed := (*statusError)(nil); errors.As(err, &failed) {
		status = failed.status
	}
	if status == exitUsage {
		err = fmt.Errorf("%w; see '%s help %s'", err, program, c.name)
	}
	printError(std.err, c.name, err)
	return status
}

// findCommand returns the command with a name, or for a flag such as -h.
func findCommand(name string) (subcommand, bool) {
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "-version", "--version":
		name = "version"
	}
	table := commands()
	i := slices.IndexFunc(table, func(c subcommand) bool { return c.name == name })
	if i < 0 {
		return subcommand{}, false
	}
	return table[i], true
}

// printError prints an error as one line. Its text may quote what others wrote.
func printError(stderr io.Writer, command string, err error) {
	fmt.Fprintf(stderr, "%s: %s: %s\n", program, command, printable(err.Error()))
}
