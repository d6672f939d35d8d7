package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/report"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// matrixFlags are the command line of matrix.
type matrixFlags struct {
	markdown string
	html     string
	schema   bool
	files    []string
}

func parseMatrix(args []string) (*matrixFlags, error) {
	f := &matrixFlags{}
	flags := newFlags("matrix")
	flags.StringVar(&f.markdown, "md", "", "")
	flags.StringVar(&f.html, "html", "", "")
	flags.BoolVar(&f.schema, "schema", false, "")
	var err error
	if f.files, err = parseFlags(flags, args); err != nil {
		return nil, err
	}
	if f.schema {
		if len(f.files) > 0 || f.markdown != "" || f.html != "" {
			return nil, usageError("-schema stands alone")
		}
		return f, nil
	}
	if len(f.files) == 0 {
		return nil, usageError("matrix wants the files that run -json has written")
	}
	outputs := []string{f.markdown, f.html}
	for i, output := range outputs {
		for _, other := range append(outputs[:i:i], f.files...) {
			if output != "" && other != "" && sameFile(output, other) {
				return nil, usageError("%s cannot be written: it is also another file of the command line", output)
			}
		}
	}
	return f, nil
}

// compare makes a matrix of reports.
func compare(args []string, stdout io.Writer) error {
	f, err := parseMatrix(args)
	if err != nil {
		return err
	}
	if f.schema {
		_, err := io.WriteString(stdout, report.Schema)
		return err
	}
	var columns []report.Column
	for _, file := range f.files {
		document, err := report.Read(file)
		if err != nil {
			return &statusError{exitUsage, err}
		}
		columns = append(columns, report.Column{File: file, Document: document})
	}
	judged, err := judgedRequirements()
	if err != nil {
		return err
	}
	matrix := report.NewMatrix(judged, columns)
	if f.markdown == "" && f.html == "" {
		return matrix.Markdown(stdout)
	}
	for _, wanted := range []struct {
		path  string
		write func(io.Writer) error
	}{{f.markdown, matrix.Markdown}, {f.html, matrix.HTML}} {
		if wanted.path == "" {
			continue
		}
		output, err := createOutput(wanted.path)
		if err == nil {
			err = output.write(wanted.write)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s was written\n", wanted.path)
	}
	return nil
}

// judgedRequirements are those that scenarios cover, in the order of SPEC.md.
func judgedRequirements() ([]spec.Requirement, error) {
	scenarios, err := scenario.All()
	if err != nil {
		return nil, err
	}
	covered := map[string]bool{}
	for _, s := range scenarios {
		for _, r := range s.Covers {
			covered[r.ID] = true
		}
	}
	return slices.DeleteFunc(spec.Requirements(), func(r spec.Requirement) bool { return !covered[r.ID] }), nil
}
