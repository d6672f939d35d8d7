package main

import (
	"context"
	"io"
	"os"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutantclient"
)

// runMutant runs the second server of the suite, or its second client if SYFTEVENT_ROLE is
// client, with one defect or none. An error at startup is a configuration error.
func runMutant(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	words, err := parseFlags(cmdline.NewFlags("mutant"), args)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return usageError("mutant takes one NAME, a defect or %s; got %q", mutant.None, words)
	}
	table := mutant.Defects
	isClient := os.Getenv("SYFTEVENT_ROLE") == "client"
	if isClient {
		table = mutantclient.Defects
	}
	if _, ok := table.Find(words[0]); !ok && words[0] != mutant.None {
		return unknownName("defect", words[0], defectNames(table))
	}
	if isClient {
		if err := mutantclient.Run(ctx, words[0], os.Getenv, stdin, stdout, stderr); err != nil {
			return configError(err)
		}
		return nil
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
