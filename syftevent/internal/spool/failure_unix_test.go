//go:build unix

package spool

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// onFullDisk runs a test in a process of its own. While full is set there, a write fails if
// it would make a file larger than 1 MiB. The limit would also apply to the log of "go test"
// in this process.
func onFullDisk(t *testing.T, test func(full func(bool))) {
	t.Helper()
	const variable = "SYFTEVENT_TEST_ON_FULL_DISK"
	if os.Getenv(variable) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), variable+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	test(func(full bool) {
		limit := before
		if full {
			limit.Cur = 1 << 20
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Error(err)
		}
	})
}

// A failure that belongs to one name is not the file system's.
func TestPublishToAnUnusableName(t *testing.T) {
	for _, links := range []bool{true, false} {
		dir := t.TempDir()
		long := strings.Repeat("x", 252) // its output's name has 256 bytes
		for _, stem := range []string{"folder", long} {
			write(t, dir, stem+".in", sampleInput)
		}
		write(t, dir, "folder.out/sub/x.in", sampleInput)
		s := open(t, dir, nil)
		s.links = links
		answer := []byte("answer")
		for _, stem := range []string{"folder", long} {
			for range 2 {
				if err := s.Publish(Entry{".", stem}, answer); !errors.Is(err, rootfs.ErrName) {
					t.Errorf("links %v, %.10s: %v", links, stem, err)
				}
			}
		}
		want := fmt.Sprint([]string{"folder.in", "folder.out/sub/x.in", long + ".in"})
		if got := fmt.Sprint(tree(t, dir)); got != want {
			t.Errorf("links %v: files %s, want %s", links, got, want)
		}
	}
}

// An unreadable output belongs to one name: the failure is not the file system's.
func TestPublishBesideAnUnreadableOutput(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	dir := t.TempDir()
	write(t, dir, "a.in", sampleInput)
	write(t, dir, "a.out", "secret")
	if err := os.Chmod(dir+"/a.out", 0); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, nil)
	if err := s.Publish(Entry{".", "a"}, []byte("answer")); !errors.Is(err, rootfs.ErrName) {
		t.Error(err)
	}
	// But a directory in which nothing can be written may recover.
	write(t, dir, "d/b.in", sampleInput)
	if err := os.Chmod(dir+"/d", 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir+"/d", 0o755)
	if err := s.Publish(Entry{"d", "b"}, []byte("answer")); err == nil || errors.Is(err, rootfs.ErrName) {
		t.Error(err)
	}
}

func TestPublishOnAFullDisk(t *testing.T) {
	onFullDisk(t, func(full func(bool)) {
		dir := t.TempDir()
		write(t, dir, "a.in", sampleInput)
		s := open(t, dir, nil)
		entry, answer := Entry{".", "a"}, make([]byte, 1<<20+1)
		full(true)
		err, room := s.Publish(entry, answer), s.Room(entry, len(answer))
		full(false)
		if err == nil || errors.Is(err, rootfs.ErrName) || room == nil {
			t.Errorf("published: %v, room: %v", err, room)
		}
		if err := errors.Join(s.Room(entry, len(answer)), s.Publish(entry, answer)); err != nil {
			t.Errorf("after the disk has room again: %v", err)
		}
		if got := fmt.Sprint(tree(t, dir)); got != "[a.in a.out]" {
			t.Errorf("files %s", got)
		}
	})
}
