package main

import (
	"context"
	"io"
	"os"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
)

// beMutant is the second server of the suite, with one of its defects or none. What
// keeps it from starting is a mistake in its environment or configuration.
func beMutant(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) != 1 {
		return usageError("mutant takes the name of a defect, or %s", mutant.None)
	}
	if _, ok := mutant.Find(args[0]); !ok && args[0] != mutant.None {
		return usageError("there is no defect %q", args[0])
	}
	t := mutant.Target{Defect: args[0], Getenv: os.Getenv, Stdin: stdin, Stdout: stdout, Stderr: stderr}
	if err := t.Serve(ctx); err != nil {
		return &statusError{exitUsage, err}
	}
	return nil
}
