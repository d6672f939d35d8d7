//go:build unix

package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestFIFODoesNotBlock(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.in"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, nil)
	if names := found(s); names != nil {
		t.Errorf("found %v", names)
	}
	if _, _, err := s.Read(Entry{".", "pipe"}, 1<<20); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read: %v", err)
	}
}

// A FIFO that replaces a directory does not block, even without trusted mtimes.
func TestFIFOInsteadOfADirectoryDoesNotBlock(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/a.in", sampleInput)
	s := open(t, dir, nil)
	s.trusted = false
	s.Scan(func(Entry) Verdict { return Taken })
	if err := os.RemoveAll(filepath.Join(dir, "d")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "d"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.ScanActive(refuse)
	if names := found(s); names != nil {
		t.Errorf("found %v", names)
	}
}
