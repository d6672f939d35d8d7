package rootfs

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// MountType returns the type of the file system that has f, as /proc/self/mountinfo names it:
// "ext4", "nfs", "fuse.sshfs". It is "" if that is not known.
func MountType(f *os.File) string {
	var st syscall.Stat_t
	if syscall.Fstat(int(f.Fd()), &st) != nil {
		return ""
	}
	table, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	defer table.Close()
	return mountTypeOf(bufio.NewScanner(table), deviceNumber(uint64(st.Dev)))
}

// deviceNumber formats a device as proc_pid_mountinfo(5) does.
func deviceNumber(dev uint64) string {
	major := dev>>8&0xfff | dev>>32&^0xfff
	minor := dev&0xff | dev>>12&^0xff
	return fmt.Sprintf("%d:%d", major, uint32(minor))
}

// mountTypeOf finds the device in a table of mounts. The fields of a line are its number, that
// of its parent, the device, root, mount point and options, then optional ones up to a hyphen,
// and then the type.
func mountTypeOf(table *bufio.Scanner, device string) string {
	for table.Scan() {
		mount, kind, ok := strings.Cut(table.Text(), " - ")
		if fields := strings.Fields(mount); ok && len(fields) > 2 && fields[2] == device {
			kind, _, _ = strings.Cut(kind, " ")
			return kind
		}
	}
	return ""
}
