package rootfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

var (
	// ErrTooLarge means that a file is larger than the limit.
	ErrTooLarge = errors.New("is too large")
	// ErrNotRegular means that a name belongs to something other than a regular file.
	ErrNotRegular = errors.New("is not a regular file")
)

// Unlimited is a limit that no file reaches.
const Unlimited = 1 << 62

// ReadFile reads a regular file of at most maxSize bytes, and never a symbolic link, a
// FIFO or a device. For a larger file it returns ErrTooLarge and the file's info.
func ReadFile(root *os.Root, name string, maxSize int64) ([]byte, fs.FileInfo, error) {
	data, info, _, err := ReadRegular(root, name, maxSize)
	return data, info, err
}

// ReadRegular is ReadFile, and reports whether the file stayed the same meanwhile.
func ReadRegular(root *os.Root, name string, maxSize int64) (data []byte, info fs.FileInfo, steady bool, err error) {
	err = Retry(func() error {
		data, info, steady, err = readOnce(root, name, maxSize)
		return err
	})
	return data, info, steady, err
}

// openRegular is a variable so that tests can make it fail.
var openRegular = OpenRegular

func readOnce(root *os.Root, name string, maxSize int64) (data []byte, info fs.FileInfo, steady bool, err error) {
	f, before, err := openRegular(root, name, os.O_RDONLY)
	if err != nil {
		return nil, nil, false, err
	}
	defer f.Close()
	if before.Size() > maxSize {
		return nil, before, false, ErrTooLarge
	}
	data = make([]byte, before.Size())
	n, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, before, false, err
	}
	after, err := f.Stat()
	if err != nil {
		return nil, before, false, err
	}
	steady = after.Size() == before.Size() && after.Size() == int64(n) && after.ModTime().Equal(before.ModTime())
	return data[:n], after, steady, nil
}

// OpenRegular opens a file if it is a regular one. An os.Root follows symbolic links that
// stay inside it, so OpenRegular compares the open file with the name's own info. It opens
// the file without blocking, since a FIFO may have taken the name meanwhile.
func OpenRegular(root *os.Root, name string, flag int) (*os.File, fs.FileInfo, error) {
	named, err := root.Lstat(name)
	if err != nil {
		return nil, nil, err
	}
	if !named.Mode().IsRegular() {
		return nil, nil, &fs.PathError{Op: "open", Path: name, Err: ErrNotRegular}
	}
	f, err := root.OpenFile(name, flag|openNonblock, 0)
	if err != nil {
		return nil, nil, err
	}
	opened, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	if !opened.Mode().IsRegular() || !os.SameFile(named, opened) {
		f.Close()
		return nil, nil, &fs.PathError{Op: "open", Path: name, Err: ErrNotRegular}
	}
	return f, opened, nil
}
