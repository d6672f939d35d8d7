package main

import (
	"flag"
	"fmt"
	"io"
	"slices"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/report"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// matrixFlags is the command line of matrix.
type matrixFlags struct {
	markdown string
	html     string
	schema   bool
	files    []string
}

func (f *matrixFlags) define(flags *flag.FlagSet) {
	flags.StringVar(&f.markdown, "md", "", "write Markdown to `FILE`, with links to SPEC.md in the same folder")
	flags.StringVar(&f.html, "html", "", "write an HTML page to `FILE`, with the reason of each failure")
	flags.BoolVar(&f.schema, "schema", false, "print the JSON Schema of reports, and nothing else")
}

func parseMatrix(args []string) (*matrixFlags, error) {
	f := &matrixFlags{}
	var err error
	if f.files, err = parseFlags(cmdline.NewFlags("matrix", f.define), args); err != nil {
		return nil, err
	}
	if f.schema {
		if len(f.files) > 0 || f.markdown != "" || f.html != "" {
			return nil, usageError("-schema cannot be combined with other flags or files")
		}
		return f, nil
	}
	if len(f.files) == 0 {
		return nil, usageError("matrix needs at least one FILE written by 'run -json'")
	}
	outputs := []string{f.markdown, f.html}
	for i, output := range outputs {
		for _, other := range append(outputs[:i:i], f.files...) {
			if output != "" && other != "" && sameFile(output, other) {
				return nil, usageError("cannot write %s: the command line names it twice", output)
			}
		}
	}
	return f, nil
}

// compare writes a matrix of reports.
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
			return configError(err)
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
		fmt.Fprintf(stdout, "wrote %s\n", wanted.path)
	}
	return nil
}

// judgedRequirements returns the requirements that scenarios cover, in the order of
// SPEC.md.
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
