package main

import (
	"context"
	"io"
	"os"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
)

// beMutant is the second server of the suite, with one of its defects or none.
func beMutant(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) != 1 {
		return usageError("mutant takes the name of a defect, or %s", mutant.None)
	}
	t := mutant.Target{Defect: args[0], Getenv: os.Getenv, Stdin: stdin, Stdout: stdout, Stderr: stderr}
	return t.Serve(ctx)
}
