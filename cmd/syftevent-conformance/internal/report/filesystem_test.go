package report

import (
	"runtime"
	"testing"
)

const mountinfo = `21 1 254:1 / / rw,relatime shared:1 - ext4 /dev/root rw
22 21 0:5 / /dev rw,nosuid - devtmpfs devtmpfs rw
30 21 0:26 / /tmp rw shared:5 master:2 - tmpfs tmpfs rw
31 30 0:40 / /tmp/my\040share rw - fuse.sshfs far:/ rw
32 21 0:41 / /srv rw - nfs4 far:/srv rw
33 32 0:42 / /srv rw - btrfs /dev/sdb rw
this is no line of it
34 21 0:43 /
`

func TestFileSystemOf(t *testing.T) {
	for path, want := range map[string]string{
		"/":                      "ext4",
		"/home/bob":              "ext4",
		"/tmp":                   "tmpfs",
		"/tmp/run-1":             "tmpfs",
		"/tmpfs":                 "ext4",
		"/tmp/my share/x":        "fuse.sshfs",
		"/tmp/my share and more": "tmpfs",
		"/srv/x":                 "btrfs", // it covers nfs4
	} {
		if got := fileSystemOf(mountinfo, path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if got := fileSystemOf("", "/"); got != "unknown" {
		t.Errorf("without mounts: %s", got)
	}
}

func TestFileSystem(t *testing.T) {
	if got := FileSystem(t.TempDir()); (got == "unknown") != (runtime.GOOS != "linux") {
		t.Errorf("%s on %s", got, runtime.GOOS)
	}
	if got := FileSystem("/no/such/folder"); got != "unknown" {
		t.Errorf("missing folder: %s", got)
	}
}
