package main

import (
	"context"
	"io"
	"os"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/reference"
)

// callAll runs the embedded reference client.
func callAll(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	if err := parseNothing("client", args); err != nil {
		return err
	}
	caller := reference.Caller{Getenv: os.Getenv, Stdin: stdin, Stdout: stdout}
	if err := caller.Run(ctx); err != nil {
		return configError(err)
	}
	return nil
}
