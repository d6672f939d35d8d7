package lease

import (
	"os"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// Timeouts by file system. A timeout is longer than the mount may show an old heartbeat, and than
// a busy machine may keep a process from running.
const (
	// LocalTimeout is for file systems of this machine. The end of a process on it is noticed
	// earlier, see [process].
	LocalTimeout = 10 * time.Second
	// RemoteTimeout is for network and FUSE file systems: sshfs keeps names for 20 s.
	RemoteTimeout = 30 * time.Second
	// NFSTimeout is for NFS, whose client keeps the attributes of a directory that changes for
	// 30 s (acdirmin).
	NFSTimeout = 45 * time.Second
)

// DefaultTimeout returns the timeout for the file system of a directory. Where the kind of a
// network file system is not known, it is that of NFS.
func DefaultTimeout(dir string) (time.Duration, error) {
	f, err := os.Open(dir)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	kind := rootfs.MountType(f)
	switch {
	case rootfs.IsLocal(f):
		return LocalTimeout, nil
	case kind == "" || strings.HasPrefix(kind, "nfs"):
		return NFSTimeout, nil
	}
	return RemoteTimeout, nil
}
