package main

import (
	"context"
	"io"
	"os"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/reference"
)

// serve runs the embedded reference server. An error at startup is a configuration
// error.
func serve(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := parseNothing("serve", args); err != nil {
		return err
	}
	t := reference.Target{Version: version(), Getenv: os.Getenv, Stdin: stdin, Stdout: stdout, Stderr: stderr}
	if err := t.Serve(ctx); err != nil {
		return configError(err)
	}
	return nil
}
