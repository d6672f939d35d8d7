package rootfs

import (
	"os"
	"path/filepath"
	"syscall"
	"unsafe"
)

var (
	kernel32                     = syscall.NewLazyDLL("kernel32.dll")
	getVolumeInformationByHandle = kernel32.NewProc("GetVolumeInformationByHandleW")
	getDriveType                 = kernel32.NewProc("GetDriveTypeW")
)

// IsLocal reports whether the file system is one whose directory mtimes show every change.
// The name of the file system is not enough: a network share of an NTFS volume has the same.
func IsLocal(f *os.File) bool {
	const fixed = 3
	volume, err := syscall.UTF16PtrFromString(filepath.VolumeName(f.Name()) + `\`)
	if err != nil {
		return false
	}
	if kind, _, _ := getDriveType.Call(uintptr(unsafe.Pointer(volume))); kind != fixed {
		return false
	}
	var name [syscall.MAX_PATH + 1]uint16
	ok, _, _ := getVolumeInformationByHandle.Call(f.Fd(), 0, 0, 0, 0, 0, uintptr(unsafe.Pointer(&name[0])), uintptr(len(name)))
	return ok != 0 && syscall.UTF16ToString(name[:]) == "NTFS"
}
