package main

import (
	"context"
	"io"
	"os"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
)

// serveMutant runs the second server of the suite, with one defect or none. An error
// at startup is a configuration error.
func serveMutant(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	words, err := parseFlags(newFlags("mutant"), args)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return usageError("mutant takes one NAME, a defect or %s; got %q", mutant.None, words)
	}
	if _, ok := mutant.Find(words[0]); !ok && words[0] != mutant.None {
		return unknownName("defect", words[0], defectNames(mutant.Defects))
	}
	t := mutant.Target{Defect: words[0], Getenv: os.Getenv, Stdin: stdin, Stdout: stdout, Stderr: stderr}
	if err := t.Serve(ctx); err != nil {
		return configError(err)
	}
	return nil
}

// defectNames returns the names of defects.
func defectNames(table []mutant.Defect) []string {
	var names []string
	for _, d := range table {
		names = append(names, d.Name)
	}
	return names
}
