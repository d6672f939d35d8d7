package main

import (
	"errors"
	"flag"
	"io"
	"slices"
	"strings"
)

// newFlags returns the flag set of a command. It never uses flag.CommandLine, where
// testscript registers flags.
func newFlags(command string, define ...func(*flag.FlagSet)) *flag.FlagSet {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	for _, f := range define {
		f(flags)
	}
	return flags
}

// parseFlags parses flags and words in any order and returns the words. It returns
// errHelp if -h is among them, and otherwise a usage error.
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

// parseNothing parses the arguments of a command that has neither flags nor words.
func parseNothing(name string, args []string) error {
	words, err := parseFlags(newFlags(name), args)
	if err != nil {
		return err
	}
	return noWords(name, words)
}

// noWords returns a usage error if there are words.
func noWords(name string, words []string) error {
	if len(words) > 0 {
		return usageError("%s takes no arguments, got %q", name, words)
	}
	return nil
}

// cutCommand splits args at "--". The command is nil without one.
func cutCommand(args []string) (before, command []string, err error) {
	i := slices.Index(args, "--")
	if i < 0 {
		return args, nil, nil
	}
	if command = args[i+1:]; len(command) == 0 {
		return nil, nil, usageError("missing COMMAND after --")
	}
	return args[:i], command, nil
}
