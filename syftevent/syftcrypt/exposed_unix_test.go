//go:build unix

package syftcrypt

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/syftevent/syftevent-go/syftevent"
)

// Whoever can write to a folder on the way to the keys can replace them.
func TestRefusesFoldersThatOthersCanWrite(t *testing.T) {
	w := newWorld(t)
	home := filepath.Join(w.dir, "home", "alice")
	c := &syftevent.Client{Email: alice, DataDir: filepath.Join(home, "SyftBox")}
	if err := os.MkdirAll(home, 0o755); err != nil {
		t.Fatal(err)
	}
	dirs := []string{home, filepath.Dir(home), w.dir}
	for _, created := range []bool{false, true} {
		if created {
			k, err := Create(c)
			if err != nil {
				t.Fatal(err)
			}
			dirs = append(dirs, k.s.dir, filepath.Dir(k.s.dir))
		}
		for _, dir := range dirs {
			for _, mode := range []os.FileMode{0o775, 0o757, 0o777} {
				chmod(t, dir, mode)
				_, err := LoadOrCreate(c)
				if !errors.Is(err, ErrExposed) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "chmod go-w") {
					t.Errorf("%s with mode %o: error %v", dir, mode, err)
				}
				if _, err := Replace(c); !errors.Is(err, ErrExposed) {
					t.Errorf("%s with mode %o: Replace returns %v", dir, mode, err)
				}
			}
			chmod(t, dir, 0o755)
		}
	}
	if _, err := Load(c); err != nil {
		t.Error(err)
	}
	// With the sticky bit others cannot rename or remove what is not theirs.
	chmod(t, filepath.Dir(home), 0o777|os.ModeSticky)
	if _, err := Load(c); err != nil {
		t.Errorf("sticky: %v", err)
	}
}

// The folders that lead to the target of a link matter, too, and so do those of the link.
func TestRefusesLinksThroughFoldersThatOthersCanWrite(t *testing.T) {
	w := newWorld(t)
	for _, dir := range []string{"links", "open/real/home", "plain"} {
		if err := os.MkdirAll(filepath.Join(w.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(w.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("../links/second", "plain/home")
	link(filepath.Join(w.dir, "open/real/home"), "links/second")
	dir := filepath.Join(w.dir, "plain", "home", "keys")
	if err := checkParents(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"plain", "links", "open", "open/real", "open/real/home"} {
		open := filepath.Join(w.dir, name)
		chmod(t, open, 0o777)
		if err := checkParents(dir); !errors.Is(err, ErrExposed) || !strings.Contains(err.Error(), open) {
			t.Errorf("%s: error %v", name, err)
		}
		chmod(t, open, 0o755)
	}
	link("loop", "plain/loop")
	if err := checkParents(filepath.Join(w.dir, "plain", "loop", "keys")); !errors.Is(err, ErrExposed) {
		t.Errorf("a loop: error %v", err)
	}
}

func chmod(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

// A FIFO in place of a file blocks nobody.
func TestFilesAreFIFOs(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	req, _ := w.prepare(b, "x")
	fifo := func(name string) {
		t.Helper()
		os.Remove(name)
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Skip(err)
		}
	}
	genuine := w.read(bob)
	fifo(w.document(bob))
	w.refused(w.guard(a), req, 403, ErrBadDocument.Error())
	os.Remove(w.document(bob))
	w.write(bob, genuine)
	if response := w.serve(w.guard(a), req); response.StatusCode != 200 {
		t.Fatalf("%d %s", response.StatusCode, response.Text())
	}
	fifo(filepath.Join(a.peersDir(), recordName(bob)))
	next, _ := w.prepare(b, "y")
	w.refused(w.guard(a), next, 503, "not available")
	fifo(filepath.Join(a.s.dir, privateName))
	if _, err := Load(w.client(alice)); err == nil {
		t.Error("a FIFO is loaded as keys")
	}
}
