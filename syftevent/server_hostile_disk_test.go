//go:build linux

package syftevent_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// A server starts when a sender has used up all inodes, and answers when some are free
// again. The test needs root, for a tmpfs.
func TestProofNoInodes(t *testing.T) {
	p := newProof(t, "")
	p.settings.DataDir = smallFileSystem(t, "nr_inodes=500,size=50m")
	p.start()
	p.honest()
	p.child.stop()

	waiting := p.write("echo", honestEmail, nil)
	evil := filepath.Join(p.rpc(), "echo", "evil@example.com")
	if err := os.MkdirAll(evil, 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	n := 0
	for ; err == nil; n++ {
		err = os.WriteFile(filepath.Join(evil, fmt.Sprint(n, ".request.tmp.1")), nil, 0o644)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	p.start()
	for n > 0 {
		n--
		os.Remove(filepath.Join(evil, fmt.Sprint(n, ".request.tmp.1")))
	}
	p.awaitAll(200, []letter{waiting})
	p.honest()
	p.child.stop()
}

// smallFileSystem mounts a tmpfs.
func smallFileSystem(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "small", dir).CombinedOutput(); err != nil {
		t.Skipf("LEFT OUT: no tmpfs can be mounted: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}
