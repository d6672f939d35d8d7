package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// An outputFile is written under a temporary name and renamed when complete, so that
// nobody reads a partial report.
type outputFile struct {
	path string
	file *os.File
	// inPlace is set for files that cannot be replaced, such as pipes.
	inPlace bool
}

// createOutput creates the temporary file of an outputFile. It reports most problems
// with path before the caller starts a long run.
func createOutput(path string) (*outputFile, error) {
	failed := func(err error) (*outputFile, error) { return nil, fmt.Errorf("write %s: %w", path, err) }
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return failed(errors.New("is a folder"))
	case err == nil && !info.Mode().IsRegular():
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return failed(err)
		}
		return &outputFile{path: path, file: file, inPlace: true}, nil
	case err == nil: // replace the target of a symbolic link
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

// write writes, closes and renames the file. On failure it removes the temporary file.
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
		return fmt.Errorf("write %s: %w", o.path, err)
	}
	return nil
}

// discard removes the temporary file. After write it does nothing.
func (o *outputFile) discard() {
	if o.file.Close() == nil && !o.inPlace {
		os.Remove(o.file.Name())
	}
}

// sameFile reports whether two paths name one file, which may not exist yet.
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
