package rootfs

import (
	"os"
	"syscall"
)

// localTypes are the file systems whose directory mtimes show every change, by the numbers
// of statfs(2). Network and FUSE file systems are not included: their times may be old or
// invented.
var localTypes = map[int64]bool{
	0xEF53:     true, // ext2, ext3, ext4
	0x58465342: true, // xfs
	0x9123683E: true, // btrfs
	0x2FC12FC1: true, // zfs
	0xF2F52010: true, // f2fs
	0x01021994: true, // tmpfs
	0x794C7630: true, // overlay
	0x7366746E: true, // ntfs3
}

// IsLocal reports whether the file system is one whose directory mtimes show every change.
func IsLocal(f *os.File) bool {
	var st syscall.Statfs_t
	return syscall.Fstatfs(int(f.Fd()), &st) == nil && localTypes[int64(st.Type)&0xFFFFFFFF]
}
