//go:build unix

package rootfs

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
)

func TestNameErrors(t *testing.T) {
	for err, want := range map[error]bool{
		syscall.ENOTEMPTY: true, syscall.EEXIST: true, syscall.ENAMETOOLONG: true, syscall.ELOOP: true,
		syscall.EINVAL: true, syscall.ENOTDIR: true, syscall.EISDIR: true,
		syscall.ENOSPC: false, syscall.EDQUOT: false, syscall.EIO: false, syscall.EROFS: false,
		syscall.EMFILE: false, syscall.ENFILE: false, syscall.ENOMEM: false, syscall.ESTALE: false,
		syscall.EACCES: false, syscall.EPERM: false, syscall.EFBIG: false, syscall.ETIMEDOUT: false,
	} {
		wrapped := &fs.PathError{Op: "link", Path: "a", Err: os.NewSyscallError("linkat", err)}
		if got := IsNameError(wrapped); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// A transient failure decides nothing. Any other failure means that the file system has no
// hard links.
func TestLinkProbeRetriesTransientFailures(t *testing.T) {
	for _, err := range []error{
		syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.ESTALE, syscall.ENOENT, syscall.EINTR,
		syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ETIMEDOUT, syscall.ENOTCONN, syscall.EROFS,
	} {
		failed := &os.LinkError{Op: "linkat", Old: "a", New: "b", Err: err}
		if links, got := linksAfter(failed); links || !errors.Is(got, err) {
			t.Errorf("%v: %v, %v", err, links, got)
		}
	}
	for _, err := range []error{syscall.EPERM, syscall.ENOSYS, syscall.EOPNOTSUPP, syscall.EMLINK} {
		if links, got := linksAfter(&os.LinkError{Op: "linkat", Old: "a", New: "b", Err: err}); links || got != nil {
			t.Errorf("%v: %v, %v", err, links, got)
		}
	}
	if links, err := linksAfter(nil); !links || err != nil {
		t.Errorf("after success: %v, %v", links, err)
	}
}
