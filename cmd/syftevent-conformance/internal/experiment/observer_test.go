package experiment

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newTestObserver returns an observer that the tests poll by hand.
func newTestObserver(t *testing.T) (o *Observer, alice, bob string) {
	t.Helper()
	alice, bob = t.TempDir(), t.TempDir()
	return newObserver(map[string]string{Alice: alice, Bob: bob}, "bob@example.com/app_data/x", 0), alice, bob
}

func put(t *testing.T, path string, data string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestObserverSeesVanishAndRedelivery(t *testing.T) {
	o, _, bob := newTestObserver(t)
	const key = "bob@example.com/app_data/x/rpc/1.request"
	path := filepath.Join(bob, filepath.FromSlash(key))
	o.poll() // the directory does not exist yet
	put(t, path, "data", 0o600)
	o.poll()
	o.poll()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	o.poll()
	put(t, path, "data", 0o644)
	o.poll()
	seen := o.Of(Bob, key)
	if len(seen) != 2 {
		t.Fatalf("%d sightings: %+v", len(seen), seen)
	}
	if seen[0].Present() || seen[0].Way() != Fast || seen[0].Size != 4 {
		t.Errorf("first %+v", seen[0])
	}
	if !seen[1].Present() || seen[1].Way() != FullSync {
		t.Errorf("second %+v", seen[1])
	}
	if got := o.Of(Alice, key); got != nil {
		t.Errorf("alice: %+v", got)
	}
	if files := o.Files(Bob, "bob@example.com/app_data/x/", ".request"); len(files) != 1 || files[0] != key {
		t.Errorf("files %q", files)
	}
	text := o.Timeline()
	if strings.Count(text, " has ") != 2 || strings.Count(text, " lacks ") != 1 {
		t.Errorf("timeline:\n%s", text)
	}
	if o.err != nil {
		t.Error(o.err)
	}
}

func TestObserverSeesReplacementsAndDirectories(t *testing.T) {
	o, alice, _ := newTestObserver(t)
	const dir = "bob@example.com/app_data/x/rpc/hello"
	path := filepath.Join(alice, filepath.FromSlash(dir), "1.request")
	put(t, path, "one", 0o600)
	o.poll()
	put(t, path, "other", 0o600)
	o.poll()
	if seen := o.Of(Alice, dir+"/1.request"); len(seen) != 2 || seen[0].Present() || seen[1].Size != 5 {
		t.Errorf("file %+v", seen)
	}
	if s, ok := o.Has(Alice, dir); !ok || !s.Dir {
		t.Errorf("directory %+v, %t", s, ok)
	}
	if err := os.RemoveAll(filepath.Join(alice, "bob@example.com")); err != nil {
		t.Fatal(err)
	}
	o.poll()
	if _, ok := o.Has(Alice, dir); ok {
		t.Error("the directory is still reported")
	}
	if len(o.All(Alice)) == 0 || o.Files(Alice, "", "") != nil {
		t.Error("the history or the files are wrong")
	}
}
