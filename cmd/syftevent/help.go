package main

import (
	"flag"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
)

// help prints the list of commands or the help of one command.
func help(args []string, stdout io.Writer) error {
	words, err := parseFlags(cmdline.NewFlags("help"), args)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		printHelp(stdout)
		return nil
	}
	name, err := oneWord("command", words)
	if err != nil {
		return err
	}
	c, ok := findCommand(name)
	if !ok {
		return unknownName("command", name, commandNames())
	}
	printCommandHelp(stdout, c)
	return nil
}

// printHelp lists the commands and the exit statuses.
func printHelp(w io.Writer) {
	fmt.Fprintf(w, "Call, serve and show apps on SyftBox.\n\nUsage: %s COMMAND [flags] [arguments]\n\nCommands:\n", program)
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range commands() {
		fmt.Fprintf(columns, "  %s\t%s\n", c.name, c.summary)
	}
	columns.Flush()
	fmt.Fprintln(w, "\nExit status:")
	for _, s := range exitStatuses {
		fmt.Fprintf(w, "  %-3d  %s\n", s.status, s.meaning)
	}
	fmt.Fprintf(w, "\n'%s help COMMAND' shows the flags of a command.\n", program)
}

// printCommandHelp prints the help of one command.
func printCommandHelp(w io.Writer, c subcommand) {
	var flags *flag.FlagSet
	if c.flags != nil {
		flags = cmdline.NewFlags(c.name, c.flags)
	}
	cmdline.PrintHelp(w, program+" "+c.name+" "+c.args, c.summary, c.details, flags)
}
