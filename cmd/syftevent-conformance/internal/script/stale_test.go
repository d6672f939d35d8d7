package script

import (
	"io/fs"
	"syscall"
	"testing"
	"testing/synctest"
)

func TestRetryStale(t *testing.T) {
	for _, test := range []struct {
		failure         error
		failures, calls int
	}{
		{nil, 0, 1},
		{&fs.PathError{Op: "open", Path: "a", Err: syscall.ESTALE}, 3, 4},
		{syscall.ESTALE, 100, 5},
		{syscall.EIO, 100, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			_, err := retryStale(func() (int, error) {
				if calls++; calls <= test.failures {
					return 0, test.failure
				}
				return calls, nil
			})
			if calls != test.calls || (err == nil) != (test.failures < test.calls) {
				t.Errorf("%+v: %d calls, %v", test, calls, err)
			}
		})
	}
}
