package rootfs

import (
	"os"
	"syscall"
)

// IsLocal reports whether the file system is one whose directory mtimes show every change.
func IsLocal(f *os.File) bool {
	var st syscall.Statfs_t
	if syscall.Fstatfs(int(f.Fd()), &st) != nil {
		return false
	}
	var name []byte
	for _, c := range st.Fstypename {
		if c == 0 {
			break
		}
		name = append(name, byte(c))
	}
	return string(name) == "apfs"
}
