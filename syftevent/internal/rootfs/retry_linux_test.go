package rootfs

import (
	"io/fs"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestRetry(t *testing.T) {
	for _, test := range []struct {
		failure  error
		failures int
		calls    int
		want     error
	}{
		{nil, 0, 1, nil},
		{syscall.ESTALE, 1, 2, nil},
		{&fs.PathError{Op: "open", Path: "a", Err: syscall.ESTALE}, 4, 5, nil},
		{syscall.ENODATA, 100, 5, syscall.ENODATA},
		{syscall.EIO, 1, 1, syscall.EIO},
		{fs.ErrNotExist, 1, 1, fs.ErrNotExist},
	} {
		synctest.Test(t, func(t *testing.T) {
			began, calls := time.Now(), 0
			err := Retry(func() error {
				if calls++; calls <= test.failures {
					return test.failure
				}
				return nil
			})
			if err != test.want || calls != test.calls || time.Since(began) > 100*time.Millisecond {
				t.Errorf("%+v: %v after %d calls and %v", test, err, calls, time.Since(began))
			}
		})
	}
}

// A file that another host replaces is read.
func TestReadRegularRetries(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := root.WriteFile("a", []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	defer func(open func(*os.Root, string, int) (*os.File, fs.FileInfo, error)) { openRegular = open }(openRegular)
	open := openRegular
	failures := 2
	openRegular = func(root *os.Root, name string, flag int) (*os.File, fs.FileInfo, error) {
		if failures--; failures >= 0 {
			return nil, nil, syscall.ESTALE
		}
		return open(root, name, flag)
	}
	data, _, err := ReadFile(root, "a", 10)
	if string(data) != "x" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
}
