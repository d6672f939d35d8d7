package main

import (
	"context"
	"flag"
	"os"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/reference"
)

// serveFlags is the command line of serve.
type serveFlags struct{ role string }

func (f *serveFlags) define(flags *flag.FlagSet) {
	flags.StringVar(&f.role, "role", "", "run in `ROLE`: server or client (default SYFTEVENT_ROLE of the environment, or else server)")
}

// serve runs the embedded reference server or client. An error at startup, or of a call that
// cannot be parsed, is a configuration error.
func serve(ctx context.Context, args []string, std stdio) error {
	f := &serveFlags{}
	words, err := parseFlags(cmdline.NewFlags("serve", f.define), args)
	if err != nil {
		return err
	}
	if err := noWords("serve", words); err != nil {
		return err
	}
	role := f.role
	if role == "" {
		role = os.Getenv("SYFTEVENT_ROLE")
	}
	switch role {
	case "", "server":
		err = reference.Target{Version: version(), Getenv: os.Getenv, Stdin: std.in, Stdout: std.out, Stderr: std.err}.Serve(ctx)
	case "client":
		err = reference.Caller{Version: version(), Getenv: os.Getenv, Stdin: std.in, Stdout: std.out}.Run(ctx)
	default:
		return usageError("unknown role %q; the roles are server and client", role)
	}
	if err != nil {
		return configError(err)
	}
	return nil
}
