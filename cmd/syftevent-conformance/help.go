package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
)

// help prints the list of commands, the help of one command, or a topic.
func help(args []string, stdout io.Writer) error {
	words, err := parseFlags(cmdline.NewFlags("help"), args)
	if err != nil {
		return err
	}
	switch len(words) {
	case 0:
		printHelp(stdout)
		return nil
	case 1:
		if i := slices.IndexFunc(topics, func(t topic) bool { return t.name == words[0] }); i >= 0 {
			_, err := io.WriteString(stdout, topics[i].text)
			return err
		}
		table := commands()
		i := slices.IndexFunc(table, func(c subcommand) bool { return c.name == words[0] })
		if i < 0 {
			return unknownName("command", words[0], commandNames())
		}
		printCommandHelp(stdout, table[i])
		return nil
	}
	return usageError("help takes one command, got %q", words)
}

// printHelp lists the commands and the exit statuses.
func printHelp(w io.Writer) {
	table := commands()
	fmt.Fprintf(w, "Test servers of SyftBox's file-based RPC against SPEC.md.\n\nUsage: %s [COMMAND] [flags] [arguments]\n\nCommands (default %s):\n", program, table[0].name)
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range table {
		if !c.hidden {
			fmt.Fprintf(columns, "  %s\t%s\n", c.name, c.summary)
		}
	}
	columns.Flush()
	fmt.Fprintln(w, "\nExit status:")
	for _, s := range exitStatuses {
		fmt.Fprintf(w, "  %-3d  %s\n", s.status, s.meaning)
	}
	fmt.Fprintf(w, "\n'%s help COMMAND' shows the flags of a command.\n", program)
	for _, t := range topics {
		fmt.Fprintf(w, "'%s help %s' %s.\n", program, t.name, t.summary)
	}
}

// printCommandHelp prints the help of one command.
func printCommandHelp(w io.Writer, c subcommand) {
	var flags *flag.FlagSet
	if c.flags != nil {
		flags = cmdline.NewFlags(c.name, c.flags)
	}
	details := ""
	if c.details != nil {
		details = c.details()
	}
	cmdline.PrintHelp(w, program+" "+c.name+" "+c.args, c.summary, details, flags)
}

// commandNames returns the names of the commands in the list.
func commandNames() []string {
	var names []string
	for _, c := range commands() {
		if !c.hidden {
			names = append(names, c.name)
		}
	}
	return names
}

// unknownName returns a usage error for an unknown name, with
// the most similar of them.
func unknownName(kind, name string, known []string) error {
	if nearest := scenario.Nearest(name, known); len(nearest) > 0 {
		return usageError("unknown %s %q (did you mean %s?)", kind, name, strings.Join(nearest, ", "))
	}
	return usageError("unknown %s %q", kind, name)
}
