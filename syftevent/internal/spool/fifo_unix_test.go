//go:build unix

package spool

import (
	"errors"
	"io/fs"
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
	if _, _, err := s.Read(Entry{".", "pipe"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read: %v", err)
	}
}
