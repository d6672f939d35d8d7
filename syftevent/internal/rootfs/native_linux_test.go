//go:build linux && !android && (amd64 || arm64)

package rootfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Without openat2, on an old kernel or in a sandbox, directories are listed all the same.
func TestListWithoutOpenat2(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d", "a.in")
	if err := os.Symlink("d", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	anchor, err := root.Open(".")
	if err != nil {
		t.Fatal(err)
	}
	defer anchor.Close()
	defer func(original uintptr) { sysOpenat2 = original }(sysOpenat2)
	for _, number := range []uintptr{sysOpenat2, 1 << 20} {
		sysOpenat2 = number
		if fd, err := openBeneath(anchor, []byte("d\x00")); (err == nil) != (number < 1<<20) {
			t.Fatalf("system call %d: %v", number, err)
		} else if err == nil {
			syscall.Close(fd)
		}
		var listing Listing
		if err := List(root, anchor, "d", &listing); err != nil || len(listing.Entries) != 1 {
			t.Errorf("system call %d: %d entries, %v", number, len(listing.Entries), err)
		}
		if err := List(root, anchor, "missing", &listing); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("system call %d: a missing directory: %v", number, err)
		}
	}
}

// A path may be longer than a system call accepts.
func TestWalkVisitsDeepDirectories(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var names []string
	for range 20 {
		names = append(names, strings.Repeat("n", 250))
		if err := root.Mkdir(strings.Join(names, "/"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var visited []string
	err = Walk{Root: root}.Directories(func(dir string, _ Part, err error) error {
		visited = append(visited, dir)
		return err
	})
	if err != nil || len(visited) != 21 || !slices.Contains(visited, strings.Join(names, "/")) {
		t.Errorf("%d directories, %v", len(visited), err)
	}
}
