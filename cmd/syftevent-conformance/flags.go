package main

import (
	"errors"
	"flag"
	"io"
	"strings"
)

// newFlags makes the flags of a command: a set of its own, because testscript
// registers flags on flag.CommandLine.
func newFlags(command string) *flag.FlagSet {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// parseFlags parses flags and the words between and behind them, in any order, and
// returns the words. The error is errHelp, or one of usage.
func parseFlags(flags *flag.FlagSet, args []string) (words []string, err error) {
	for len(args) > 0 {
		if !strings.HasPrefix(args[0], "-") || args[0] == "-" {
			words, args = append(words, args[0]), args[1:]
			continue
		}
		if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, errHelp
		} else if err != nil {
			return nil, usageError("%s", strings.TrimSuffix(err.Error(), ": parse error"))
		}
		args = flags.Args()
	}
	return words, nil
}
