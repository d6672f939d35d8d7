package main

import (
	"errors"
	"flag"
	"io"
	"os"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/report"
)

// specVersion is that of the SPEC.md to which the scenarios belong.
const specVersion = "0.3"

// reportFlags are the flags of run that name files for its report; "" is none.
type reportFlags struct{ json, junit, markdown string }

// define adds the flags to those of run.
func (f *reportFlags) define(flags *flag.FlagSet) {
	flags.StringVar(&f.json, "json", "", "")
	flags.StringVar(&f.junit, "junit", "", "")
	flags.StringVar(&f.markdown, "md", "", "")
}

// A reportFile is a file for the report, and how the report is written into it.
type reportFile struct {
	output *outputFile
	write  func(*report.Document, io.Writer) error
}

type reportFiles []reportFile

// create begins the files. One of an earlier run is removed, so that nobody takes it
// for the report of this one if this one does not get so far.
func (f *reportFlags) create() (reportFiles, error) {
	var files reportFiles
	wanted := []struct {
		path  string
		write func(*report.Document, io.Writer) error
	}{
		{f.json, (*report.Document).JSON},
		{f.junit, (*report.Document).JUnit},
		{f.markdown, (*report.Document).Markdown},
	}
	for i, want := range wanted {
		if want.path == "" {
			continue
		}
		for _, other := range wanted[:i] {
			if other.path != "" && sameFile(other.path, want.path) {
				files.discard()
				return nil, usageError("two reports cannot both be written to %s", want.path)
			}
		}
		output, err := createOutput(want.path)
		if err != nil {
			files.discard()
			return nil, err
		}
		files = append(files, reportFile{output, want.write})
	}
	for _, file := range files {
		if !file.output.inPlace {
			os.Remove(file.output.path)
		}
	}
	return files, nil
}

// write writes the report into each of the files, and returns what went wrong.
func (files reportFiles) write(d *report.Document) error {
	var problems []error
	for _, file := range files {
		problems = append(problems, file.output.write(func(w io.Writer) error { return file.write(d, w) }))
	}
	return errors.Join(problems...)
}

// discard gives up the files that were not written.
func (files reportFiles) discard() {
	for _, file := range files {
		file.output.discard()
	}
}
