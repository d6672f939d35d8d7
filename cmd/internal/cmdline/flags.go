// Package cmdline has what the commands of this module share: flags and words in any order, the
// help on flags, similar names, and signals.
package cmdline

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// NewFlags returns the flag set of a command. It never uses flag.CommandLine, where
// testscript registers flags.
func NewFlags(command string, define ...func(*flag.FlagSet)) *flag.FlagSet {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	for _, f := range define {
		f(flags)
	}
	return flags
}

// ErrHelp is returned by [Parse] if -h is among the flags.
var ErrHelp = errors.New("help requested")

// Parse parses flags and words in any order and returns the words. After "--" all are words. Any
// error but [ErrHelp] is one of the command line.
func Parse(flags *flag.FlagSet, args []string) (words []string, err error) {
	for len(args) > 0 {
		if args[0] == "--" {
			return append(words, args[1:]...), nil
		}
		if !strings.HasPrefix(args[0], "-") || args[0] == "-" {
			words, args = append(words, args[0]), args[1:]
			continue
		}
		if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, ErrHelp
		} else if err != nil {
			return nil, errors.New(strings.TrimSuffix(err.Error(), ": parse error"))
		}
		rest := flags.Args()
		if args[len(args)-len(rest)-1] == "--" {
			return append(words, rest...), nil
		}
		args = rest
	}
	return words, nil
}

// PrintHelp prints the help of a command: its usage, its summary as a sentence, the details if there
// are any, and its flags, which may be nil.
func PrintHelp(w io.Writer, usage, summary, details string, flags *flag.FlagSet) {
	fmt.Fprintf(w, "Usage: %s\n\n%s%s.\n", strings.TrimSpace(usage), strings.ToUpper(summary[:1]), summary[1:])
	if details != "" {
		fmt.Fprintf(w, "\n%s", details)
	}
	if flags != nil {
		fmt.Fprint(w, "\nFlags:\n")
		printFlags(w, flags)
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
		for _, line := range Wrap(text, 70) {
			fmt.Fprintf(columns, "  %s\t%s\n", name, line)
			name = ""
		}
	})
	columns.Flush()
}

// Wrap breaks text into lines of at most width bytes, except for longer words.
func Wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}
