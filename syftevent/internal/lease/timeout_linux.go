package lease

import (
	"os"
	"syscall"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// nfsType is the number of NFS in statfs(2).
const nfsType = 0x6969

// DefaultTimeout returns the timeout for the file system of a directory.
func DefaultTimeout(dir string) (time.Duration, error) {
	f, err := os.Open(dir)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if rootfs.IsLocal(f) {
		return LocalTimeout, nil
	}
	var st syscall.Statfs_t
	if syscall.Fstatfs(int(f.Fd()), &st) == nil && int64(st.Type)&0xFFFFFFFF == nfsType {
		return NFSTimeout, nil
	}
	return RemoteTimeout, nil
}
