package lease

import "time"

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
