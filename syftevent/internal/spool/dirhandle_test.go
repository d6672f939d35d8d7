package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// However many directories there are, few are open, and each output is written
// where its name leads now.
func TestDirHandlesAreBoundedAndFollowTheirNames(t *testing.T) {
	dir, away := t.TempDir(), t.TempDir()
	s := open(t, dir, nil)
	answer := func(n, round int) {
		t.Helper()
		entry := Entry{fmt.Sprint("d", n), fmt.Sprint("a", round)}
		write(t, dir, entry.Dir, entry.Stem+".in", asked)
		if err := s.Publish(entry, []byte("answer")); err != nil {
			t.Fatal(err)
		}
		if got := read(t, dir, entry.Dir, entry.Stem+".out"); got != "answer" {
			t.Errorf("%v: %q", entry, got)
		}
	}
	const directories = maxDirHandles + 50
	for n := range directories {
		answer(n, 0)
	}
	if len(s.dirHandles) > maxDirHandles {
		t.Errorf("%d directories are open", len(s.dirHandles))
	}
	for n := range directories {
		name := fmt.Sprint("d", n)
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(away, name)); err != nil {
			t.Fatal(err)
		}
		answer(n, 1)
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

// Whenever the input is removed, either the output exists or Publish returns that
// it is not.
func TestPublishWhileTheInputIsRemoved(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	in, out := filepath.Join(dir, "a.in"), filepath.Join(dir, "a.out")
	for n := range 2000 {
		write(t, in, asked)
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
			t.Fatalf("round %d: published: %v, there: %v", n, err, missing)
		}
		os.Remove(out)
	}
}

// Another goroutine may be about to use the descriptor of the directory that another one
// has replaced: closed, its number could belong to any file.
func TestReopenKeepsTheOldAnchorOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	write(t, dir, "a.in", asked)
	s := open(t, dir, nil)
	found(s)
	old := s.anchor
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "b.in", asked)
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
