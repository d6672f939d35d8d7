package engine

import (
	"os"
	"path/filepath"
	"testing"
)

// A lock file that was removed keeps nobody out.
func TestLockFileMustKeepItsName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !isSameFile(f, path) {
		t.Error("not the same file as itself")
	}
	if err := os.Remove(path); err != nil {
		t.Skip("an open file cannot be removed here:", err)
	}
	if isSameFile(f, path) {
		t.Error("still the same file after it was removed")
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if isSameFile(f, path) {
		t.Error("same file as another one")
	}
}
