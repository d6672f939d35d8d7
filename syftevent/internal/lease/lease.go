// Package lease lets processes on several machines share one directory: each holds a lease,
// which others observe, and claims are exclusive. It knows nothing of requests.
//
// A lease is a file, the heartbeat, that its holder renews each second. An observer takes the
// holder for dead when it has looked for the timeout and the heartbeat has not changed. Both
// sides use only their own monotonic clocks: the clocks of machines are never compared, nor are
// times of files. On Linux, a holder on a network file system counts the time while its machine is
// suspended (see [Instant]). A holder that could not renew its lease for half the timeout begins
// nothing new; after the timeout it gets a new lease under a new name. So a lease that an observer
// may have taken for dead never comes back.
//
// A claim is a symbolic link whose target names the lease: one call makes it, it is exclusive on
// local and network file systems, and it never lacks its holder. If the holder of a claim is
// dead, another process claims the next generation of it.
package lease

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// Interval is the time between two renewals of a lease, unless the timeout requires less.
const Interval = time.Second

// minRenewals is the number of renewals within a timeout.
const minRenewals = 5

// IntervalOf returns the time between two renewals for a timeout.
func IntervalOf(timeout time.Duration) time.Duration { return min(Interval, timeout/minRenewals) }

// ErrUnsupported means that the operating system or the file system has no symbolic links.
var ErrUnsupported = errors.New("symbolic links are not supported")

// A Dir is the directory with the heartbeats and claims. Its parent must exist.
type Dir string

// The directories in a Dir.
const (
	beatsDir  = "beats"
	claimsDir = "claims"
	leaderDir = "leader"
)

// Make makes the directory, without its parent.
func (d Dir) Make() error {
	for _, name := range []string{"", beatsDir, claimsDir, leaderDir} {
		path := filepath.Join(string(d), name)
		if err := rootfs.Retry(func() error { return os.Mkdir(path, 0o755) }); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// Probe tests whether the directory can hold claims.
func (d Dir) Probe() error {
	if runtime.GOOS == "windows" {
		return fmt.Errorf("%w on windows", ErrUnsupported)
	}
	path := filepath.Join(string(d), newSuffix()+tempSuffix)
	const target = "probe/of claims"
	if err := os.Symlink(target, path); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	defer os.Remove(path)
	got, err := os.Readlink(path)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	case got != target:
		return fmt.Errorf("%w: the target of %s is %q, want %q", ErrUnsupported, path, got, target)
	}
	return nil
}

// Supported reports whether the operating system can hold claims.
func Supported() bool { return runtime.GOOS != "windows" }

// tempSuffix ends the names of temporary files.
const tempSuffix = ".new"

// attempts is how often a call is made that fails on a network file system for a moment.
const attempts = 4

// retryMissing is rootfs.Retry for a file that others replace: it may be missing for a moment.
func retryMissing(call func() error) error {
	var err error
	for range attempts {
		if err = rootfs.Retry(call); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}
