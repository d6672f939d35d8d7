package main

import (
	"flag"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
)

// parseFlags parses flags and words in any order and returns the words. After "--" all are
// words. It returns [cmdline.ErrHelp] if -h is among the flags, and otherwise a usage error.
func parseFlags(flags *flag.FlagSet, args []string) (words []string, err error) {
	words, err = cmdline.Parse(flags, args)
	if err != nil && err != cmdline.ErrHelp {
		err = usageError("%v", err)
	}
	return words, err
}

// isBool reports whether a flag takes no value.
func isBool(f *flag.Flag) bool {
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// oneWord returns the only word of a command line. What names it in the error.
func oneWord(what string, words []string) (string, error) {
	switch len(words) {
	case 0:
		return "", usageError("missing %s", what)
	case 1:
		return words[0], nil
	}
	return "", usageError("want one %s, got %q", what, words)
}

// noWords returns a usage error if there are words.
func noWords(words []string) error {
	if len(words) > 0 {
		return usageError("unexpected argument %q", words[0])
	}
	return nil
}
