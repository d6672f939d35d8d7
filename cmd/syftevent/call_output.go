package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// An output receives the response: standard output, or a file that appears when it is complete.
type output struct {
	io.Writer
	path string
	file *os.File // nil for standard output
	// inPlace is set for files that cannot be replaced, such as pipes.
	inPlace bool
}

// openOutput opens the output of -o before the request is sent. A "-" is standard output.
func (f *callFlags) openOutput(stdout io.Writer) (*output, error) {
	if f.output == "" || f.output == "-" {
		return &output{Writer: stdout}, nil
	}
	out, err := createOutput(f.output)
	if err != nil {
		return nil, withStatus(exitWrite, fmt.Errorf("write %s: %w", f.output, withoutPath(err)))
	}
	return out, nil
}

// createOutput creates the file under a temporary name.
func createOutput(path string) (*output, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, errors.New("is a folder")
	case err == nil && !info.Mode().IsRegular():
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &output{Writer: file, path: path, file: file, inPlace: true}, nil
	case err == nil: // replace the target of a symbolic link
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	temporary := fmt.Sprintf("%s.%d.tmp", path, os.Getpid())
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	return &output{Writer: file, path: path, file: file}, nil
}

// finish closes the file and gives it its name.
func (o *output) finish() error {
	if o.file == nil {
		return nil
	}
	err := o.file.Close()
	if err == nil && !o.inPlace {
		err = os.Rename(o.file.Name(), o.path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", o.path, withoutPath(err))
	}
	return nil
}

// discard removes a file that was not finished.
func (o *output) discard() {
	if o.file == nil {
		return
	}
	o.file.Close()
	if !o.inPlace {
		os.Remove(o.file.Name()) // fails after finish, which renamed it
	}
}

// withoutPath returns the reason in an error about a file.
func withoutPath(err error) error {
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) {
		return failed.Err
	}
	if failed := (*os.LinkError)(nil); errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
