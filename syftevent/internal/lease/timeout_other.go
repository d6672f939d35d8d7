//go:build !linux

package lease

import (
	"os"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// DefaultTimeout returns the timeout for the file system of a directory. Where the kind of a
// network file system is not known, it is that of NFS.
func DefaultTimeout(dir string) (time.Duration, error) {
	f, err := os.Open(dir)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if rootfs.IsLocal(f) {
		return LocalTimeout, nil
	}
	return NFSTimeout, nil
}
