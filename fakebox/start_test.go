package fakebox_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/syftevent/syftevent-go/fakebox"
)

// After reopening, the server has no files and the client no record: everything is
// uploaded, and nothing is rewritten.
func TestReopenedNetworkRewritesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "box")
	key := folder + "/1.request"
	var before fs.FileInfo
	for range 2 {
		box, err := fakebox.Open(dir, fakebox.Config{})
		if err != nil {
			t.Fatal(err)
		}
		bob := box.Join("bob@example.com")
		if before == nil {
			if err := os.MkdirAll(filepath.Dir(bob.Path(key)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(bob.Path(key), []byte("x"), 0o644); err != nil {
				t.Fatal(err)
			}
			before, err = os.Stat(bob.Path(key))
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := box.Start(); err != nil {
			t.Fatal(err)
		}
		if err := box.Close(); err != nil {
			t.Fatal(err)
		}
		after, err := os.Stat(bob.Path(key))
		if err != nil || !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
			t.Errorf("file changed: got %v, error %v; want %v", after, err, before)
		}
	}
}

// To a client without a record, equal files are synced, and others are conflicts.
func TestFirstSyncAcceptsEqualFiles(t *testing.T) {
	n := idleNetwork(t, fakebox.Config{})
	first := n.box.Join("bob@example.co") // also an owner of bob's files; starts before bob
	same, other := "bob@example.com/same.txt", "bob@example.com/other.txt"
	n.write(first, same, "same")
	n.write(n.bob, same, "same")
	n.write(first, other, "one")
	n.write(n.bob, other, "another")
	n.do("start", n.box.Start())
	n.cycles(2)
	if n.count(fakebox.OpConflict, same) != 0 || n.count(fakebox.OpArrive, same) != 0 {
		t.Error("the equal file was not considered synced")
	}
	if n.count(fakebox.OpConflict, other) != 1 || n.read(n.bob, other) != "one" {
		t.Errorf("the other file: %d conflicts, bob has %q; want 1, \"one\"", n.count(fakebox.OpConflict, other), n.read(n.bob, other))
	}
}
