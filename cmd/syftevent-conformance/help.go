package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
)

// help prints the list of commands, or the help of one command.
func help(args []string, stdout io.Writer) error {
	words, err := parseFlags(newFlags("help"), args)
	if err != nil {
		return err
	}
	switch len(words) {
	case 0:
		printHelp(stdout)
		return nil
	case 1:
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
		fmt.Fprintf(w, "  %d  %s\n", s.status, s.meaning)
	}
	fmt.Fprintf(w, "\n'%s help COMMAND' shows the flags of a command.\n", program)
}

// printCommandHelp prints the help of one command.
func printCommandHelp(w io.Writer, c subcommand) {
	usage := strings.TrimSpace(program + " " + c.name + " " + c.args)
	fmt.Fprintf(w, "Usage: %s\n\n%s%s.\n", usage, strings.ToUpper(c.summary[:1]), c.summary[1:])
	if c.details != nil {
		fmt.Fprintf(w, "\n%s", c.details())
	}
	if c.flags != nil {
		fmt.Fprint(w, "\nFlags:\n")
		printFlags(w, newFlags(c.name, c.flags))
	}
}

// printFlags lists flags with their values and defaults.
func printFlags(w io.Writer, flags *flag.FlagSet) {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	flags.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "false" {
			text += fmt.Sprintf(" (default %s)", f.DefValue)
		}
		name := strings.TrimSpace("-" + f.Name + " " + value)
		for _, line := range wrap(text, 70) {
			fmt.Fprintf(columns, "  %s\t%s\n", name, line)
			name = ""
		}
	})
	columns.Flush()
}

// wrap breaks text into lines of at most width bytes, except for longer words.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
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
