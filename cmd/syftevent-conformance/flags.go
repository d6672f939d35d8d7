package main

import (
	"flag"
	"slices"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
)

// parseFlags parses flags and words in any order and returns the words. It returns
// [cmdline.ErrHelp] if -h is among them, and otherwise a usage error.
func parseFlags(flags *flag.FlagSet, args []string) (words []string, err error) {
	words, err = cmdline.Parse(flags, args)
	if err != nil && err != cmdline.ErrHelp {
		err = usageError("%v", err)
	}
	return words, err
}

// parseNothing parses the arguments of a command that has neither flags nor words.
func parseNothing(name string, args []string) error {
	words, err := parseFlags(cmdline.NewFlags(name), args)
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
