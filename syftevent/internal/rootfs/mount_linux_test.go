package rootfs

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// The device of a mount is found whatever optional fields its line has.
func TestMountType(t *testing.T) {
	const table = `22 27 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw
41 27 0:38 / /data/a - b rw - nfs host:/a rw,vers=3
80 27 0:55 /sub /mnt rw,relatime shared:1 master:2 - fuse.sshfs me@host: rw,user_id=0
81 27 8:300 / /big rw - ext4 /dev/sdb rw
`
	for device, want := range map[string]string{"0:20": "sysfs", "0:55": "fuse.sshfs", "8:300": "ext4", "9:9": ""} {
		if got := mountTypeOf(bufio.NewScanner(strings.NewReader(table)), device); got != want {
			t.Errorf("%s: %q, want %q", device, got, want)
		}
	}
	if got := deviceNumber(8<<8 | 300&0xff | 300>>8<<20); got != "8:300" {
		t.Errorf("device %s", got)
	}
}

func TestMountTypeOfProc(t *testing.T) {
	f, err := os.Open("/proc/self")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	if got := MountType(f); got != "proc" {
		t.Errorf("%q, want proc", got)
	}
}
