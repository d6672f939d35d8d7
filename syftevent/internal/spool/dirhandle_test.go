package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// The number of open directories is bounded, and each output is written to the directory
// that has the name now.
func TestDirHandlesAreBoundedAndFollowTheirNames(t *testing.T) {
	dir, away := t.TempDir(), t.TempDir()
	s := open(t, dir, nil)
	publish := func(n, round int) {
		t.Helper()
		entry := Entry{fmt.Sprint("d", n), fmt.Sprint("a", round)}
		write(t, dir, entry.Dir, entry.Stem+".in", sampleInput)
		if err := s.Publish(entry, []byte("answer")); err != nil {
			t.Fatal(err)
		}
		if got := read(t, dir, entry.Dir, entry.Stem+".out"); got != "answer" {
			t.Errorf("%v: %q", entry, got)
		}
	}
	const directories = maxDirHandles + 50
	for n := range directories {
		publish(n, 0)
	}
	if len(s.dirHandles) > maxDirHandles {
		t.Errorf("%d directories are open", len(s.dirHandles))
	}
	for n := range directories {
		name := fmt.Sprint("d", n)
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(away, name)); err != nil {
			t.Fatal(err)
		}
		publish(n, 1)
		if names := tree(t, filepath.Join(away, name)); len(names) != 2 {
			t.Errorf("in the directory that was moved away: %v", names)
		}
	}
	for name, p := range s.dirHandles {
		if p.users != 0 || p.retired {
			t.Errorf("%s: %d users, retired %v", name, p.users, p.retired)
		}
	}
}

// Whenever the input is removed, either the output exists or Publish returns
// fs.ErrNotExist.
func TestPublishWhileTheInputIsRemoved(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	in, out := filepath.Join(dir, "a.in"), filepath.Join(dir, "a.out")
	for n := range 2000 {
		write(t, in, sampleInput)
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			os.Remove(in)
		}()
		err := s.Publish(Entry{".", "a"}, []byte("answer"))
		_, missing := os.Lstat(out)
		<-gone
		switch {
		case err == nil && missing != nil, err != nil && !errors.Is(err, fs.ErrNotExist), err != nil && missing == nil:
			t.Fatalf("round %d: published: %v, output: %v", n, err, missing)
		}
		os.Remove(out)
	}
}

// Another goroutine may be about to use the descriptor of the old anchor. If it were closed,
// its number could belong to another file.
func TestReopenKeepsTheOldAnchorOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	write(t, dir, "a.in", sampleInput)
	s := open(t, dir, nil)
	found(s)
	old := s.anchor
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "b.in", sampleInput)
	if names := found(s); len(names) != 1 || names[0] != "b" {
		t.Fatalf("found %v", names)
	}
	if s.anchor == old {
		t.Fatal("the spool has not followed the name")
	}
	if _, err := old.Stat(); err != nil {
		t.Errorf("the old anchor: %v", err)
	}
}
