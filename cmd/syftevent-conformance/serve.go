package main

import (
	"context"
	"io"
	"os"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/reference"
)

// serve is the embedded reference. What keeps it from starting is a mistake in
// its environment or configuration.
func serve(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := noArguments("serve", args); err != nil {
		return err
	}
	t := reference.Target{Version: version(), Getenv: os.Getenv, Stdin: stdin, Stdout: stdout, Stderr: stderr}
	if err := t.Serve(ctx); err != nil {
		return &statusError{exitUsage, err}
	}
	return nil
}
