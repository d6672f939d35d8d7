package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// An outputFile is a file that gets its name only when all of it is written: a
// part of a report must not be taken for a report.
type outputFile struct {
	path string
	file *os.File
	// inPlace is set for what cannot be replaced, such as a pipe.
	inPlace bool
}

// createOutput begins a file. That it cannot be written is found here, as far as it
// can be: the caller has a long run before it.
func createOutput(path string) (*outputFile, error) {
	failed := func(err error) (*outputFile, error) { return nil, fmt.Errorf("writing %s: %w", path, err) }
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return failed(errors.New("it is a folder"))
	case err == nil && !info.Mode().IsRegular():
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return failed(err)
		}
		return &outputFile{path: path, file: file, inPlace: true}, nil
	case err == nil: // what a link leads to is replaced, and not the link
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return failed(err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return failed(err)
	}
	temporary := fmt.Sprintf("%s.%d.tmp", path, os.Getpid())
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return failed(err)
	}
	return &outputFile{path: path, file: file}, nil
}

// write writes the file and gives it its name. It ends the use of the file, also
// when it fails.
func (o *outputFile) write(content func(io.Writer) error) error {
	err := content(o.file)
	if closed := o.file.Close(); err == nil {
		err = closed
	}
	if o.inPlace {
		return o.explain(err)
	}
	if err == nil {
		err = os.Rename(o.file.Name(), o.path)
	}
	if err != nil {
		os.Remove(o.file.Name())
	}
	return o.explain(err)
}

func (o *outputFile) explain(err error) error {
	if err != nil {
		return fmt.Errorf("writing %s: %w", o.path, err)
	}
	return nil
}

// discard gives the file up. After write it does nothing.
func (o *outputFile) discard() {
	if o.file.Close() == nil && !o.inPlace {
		os.Remove(o.file.Name())
	}
}

// sameFile reports whether two paths lead to one file, which may not be there yet.
func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(infoA, infoB)
	}
	absoluteA, errA := filepath.Abs(a)
	absoluteB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && absoluteA == absoluteB
}
