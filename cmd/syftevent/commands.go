package main

import (
	"context"
	"flag"
	"io"
)

// program is the name of the command in its messages.
const program = "syftevent"

// stdio holds the standard streams.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// A subcommand is a command of the program.
type subcommand struct {
	name    string
	args    string // what follows the name
	summary string
	flags   func(*flag.FlagSet) // defines the flags. Nil means none.
	words   func() []string     // words that completion offers. Nil means none.
	details string              // the rest of the help
	run     func(ctx context.Context, args []string, std stdio) error
}

// commands returns the table of commands.
func commands() []subcommand {
	return []subcommand{{
		name:    "call",
		args:    "URL [flags]",
		summary: "call an endpoint and print the response",
		flags:   new(callFlags).define,
		details: callDetails,
		run:     call,
	}, {
		name:    "serve",
		args:    "-app NAME -to URL [flags]",
		summary: "make a local HTTP service an app on SyftBox",
		flags:   new(serveFlags).define,
		details: serveDetails,
		run:     serve,
	}, {
		name:    "ls",
		args:    "[EMAIL[/APP]] [flags]",
		summary: "list apps, or the endpoints of an app",
		flags:   new(lsFlags).define,
		details: lsDetails,
		run: func(_ context.Context, args []string, std stdio) error {
			return ls(args, std.out)
		},
	}, {
		name:    "watch",
		args:    "APP [flags]",
		summary: "show requests to your app as they pass",
		flags:   new(watchFlags).define,
		details: watchDetails,
		run:     watch,
	}, {
		name:    "workers",
		args:    "APP [flags]",
		summary: "list the servers that share the work of your app",
		flags:   new(workersFlags).define,
		details: workersDetails,
		run: func(ctx context.Context, args []string, std stdio) error {
			return workers(ctx, args, std.out)
		},
	}, {
		name:    "completion",
		args:    "bash | zsh | fish",
		summary: "print a completion script for a shell",
		words:   shellNames,
		details: completionDetails,
		run: func(_ context.Context, args []string, std stdio) error {
			return completion(args, std.out)
		},
	}, {
		name:    "version",
		summary: "print the version",
		run: func(_ context.Context, args []string, std stdio) error {
			return printVersion(args, std.out)
		},
	}, {
		name:    "help",
		args:    "[COMMAND]",
		summary: "show help",
		words:   commandNames,
		run: func(_ context.Context, args []string, std stdio) error {
			return help(args, std.out)
		},
	}}
}

// commandNames returns the names of the commands.
func commandNames() []string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return names
}
