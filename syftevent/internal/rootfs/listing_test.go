package rootfs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const fewListed = 100

// write creates a file, and the directories that it needs.
func write(t *testing.T, parts ...string) {
	t.Helper()
	name := filepath.Join(parts...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWalkVisitsAHugeDirectoryInParts(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for n := range 3 * fewListed {
		write(t, dir, "d", fmt.Sprint(n, ".in"))
		write(t, dir, "d", fmt.Sprint("sub", n), "a")
		want = append(want, fmt.Sprint("d/", n, ".in"), fmt.Sprint("d/sub", n, "/a"))
	}
	slices.Sort(want)
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var got []string
	parts := 0
	err = Walk{Root: root, Suffixes: []string{".in"}, MaxListed: fewListed}.Directories(func(dir string, part Part, err error) error {
		if err != nil || len(part.Names) > fewListed {
			t.Errorf("%s: %d names, %v", dir, len(part.Names), err)
		}
		if dir == "d" {
			parts++
			if part.Complete() || part.Covers("0.in") != slices.Contains(part.Names, Name{"0.in", true}) {
				t.Errorf("complete %v, covers 0.in %v", part.Complete(), part.Covers("0.in"))
			}
		} else if !part.Complete() {
			t.Errorf("%s is not complete", dir)
		}
		for _, entry := range part.Names {
			if entry.Regular {
				got = append(got, dir+"/"+entry.Name)
			}
		}
		return nil
	})
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || err != nil || parts < 6 {
		t.Errorf("%d parts, %v (-want +got):\n%s", parts, err, diff)
	}
}

// A listing in sections uses little more memory than its limit of names.
func TestListingIsSmall(t *testing.T) {
	var l Listing
	l.Reset(Section{})
	l.Limit = 1000
	for n := range 100_000 {
		l.Add(fmt.Appendf(nil, "%0250d", n), Regular)
	}
	if n := cap(l.names); n > 3*1000*listedName || len(l.Entries) > 1000 {
		t.Errorf("%d bytes of names, %d entries", n, len(l.Entries))
	}
	if name := l.Name(l.Entries[len(l.Entries)-1]); len(bytes.TrimLeft(name, "0")) == 0 || len(name) != 250 {
		t.Errorf("name %q", name)
	}
}
