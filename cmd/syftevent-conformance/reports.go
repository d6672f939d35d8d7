package main

import (
	"errors"
	"flag"
	"io"
	"os"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/report"
)

// specVersion is the version of SPEC.md that the scenarios test.
const specVersion = "0.4"

// reportFlags holds the names of the report files. "" means none.
type reportFlags struct{ json, junit, markdown, badge string }

func (f *reportFlags) define(flags *flag.FlagSet) {
	flags.StringVar(&f.json, "json", "", "write the report as JSON to `FILE`; 'matrix -schema' prints its schema")
	flags.StringVar(&f.junit, "junit", "", "write the report as JUnit XML to `FILE`")
	flags.StringVar(&f.markdown, "md", "", "write the report as Markdown to `FILE`")
	flags.StringVar(&f.badge, "badge", "", "write the verdict as an SVG image to `FILE`")
}

// A reportFile is a report file and the function that writes it.
type reportFile struct {
	output *outputFile
	write  func(*report.Document, io.Writer) error
}

type reportFiles []reportFile

// create creates the files. It removes those of an earlier run, which would look like
// reports of this run if it is interrupted.
func (f *reportFlags) create() (reportFiles, error) {
	var files reportFiles
	wanted := []struct {
		path  string
		write func(*report.Document, io.Writer) error
	}{
		{f.json, (*report.Document).JSON},
		{f.junit, (*report.Document).JUnit},
		{f.markdown, (*report.Document).Markdown},
		{f.badge, (*report.Document).Badge},
	}
	for i, want := range wanted {
		if want.path == "" {
			continue
		}
		for _, other := range wanted[:i] {
			if other.path != "" && sameFile(other.path, want.path) {
				files.discard()
				return nil, usageError("cannot write two reports to %s", want.path)
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

// write writes the report to each file.
func (files reportFiles) write(d *report.Document) error {
	var problems []error
	for _, file := range files {
		problems = append(problems, file.output.write(func(w io.Writer) error { return file.write(d, w) }))
	}
	return errors.Join(problems...)
}

// discard removes the files that were not written.
func (files reportFiles) discard() {
	for _, file := range files {
		file.output.discard()
	}
}
