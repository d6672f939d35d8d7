package syftcrypt

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// Each Keys is that of a process of its own.
func TestConcurrentChangesOfProcesses(t *testing.T) {
	w := newWorld(t)
	w.keys(alice)
	const processes = 6
	for round := range 10 {
		start := make(chan struct{})
		var all sync.WaitGroup
		for i := range processes {
			k, err := Load(w.client(alice))
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			all.Go(func() {
				<-start
				var err error
				switch i % 3 {
				case 0, 1:
					err = k.RotatePrekey()
				case 2:
					err = k.PromiseSeals(round%2 == 0)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		all.Wait()
		k, err := Load(w.client(alice))
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		// Neither the document nor the promise of another process is lost.
		d, err := readDocument(k.s.client, alice)
		o := k.current()
		if err != nil || d.prekeyID != o.prekeyID || d.seals != o.seals || o.seals != (round%2 == 0) {
			t.Errorf("round %d: document %+v, %v; promise %v", round, d, err, o.seals)
		}
	}
}

// Two processes rotate at the same time: there is one rotation, so that messages to the prekey
// before it are still decrypted.
func TestProcessesRotateOnce(t *testing.T) {
	if _, err := (&state{dir: t.TempDir()}).lock(true); runtime.GOOS != "linux" && err != nil {
		t.Skip(err)
	}
	w := newWorld(t)
	first, b := w.keys(alice), w.keys(bob)
	req, future := w.prepare(b, "on its way")
	second := w.restarted(first)
	waits := make(chan struct{})
	second.s.lockBusy = sync.OnceFunc(func() { close(waits) })
	unlock, err := first.s.lock(true)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- second.RotatePrekey() }()
	select {
	case <-waits:
	case err := <-done:
		t.Fatalf("the second process did not wait: %v", err)
	}
	// The first process rotates while the second waits.
	other := *first.current()
	fresh, err := newOwn()
	if err != nil {
		t.Fatal(err)
	}
	other.previous, other.previousID, other.prekey, other.prekeyID = other.prekey, other.prekeyID, fresh.prekey, fresh.prekeyID
	other.retired = other.info.ModTime()
	if err := writePrivate(first.s.dir, privateName, other.encode(other.retired), false); err != nil {
		t.Fatal(err)
	}
	unlock()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := second.current().prekeyID; got != fresh.prekeyID {
		t.Error("the second process has made another prekey")
	}
	w.answered(w.guard(second), req, future, "on its way")
	if _, err := Load(w.client(alice)); err != nil {
		t.Error(err)
	}
}

// Several processes start for the first time.
func TestProcessesCreateOnce(t *testing.T) {
	w := newWorld(t)
	prints := make([]string, 8)
	var all sync.WaitGroup
	for i := range prints {
		all.Go(func() {
			k, err := LoadOrCreate(w.client(alice))
			if err != nil {
				t.Error(err)
				return
			}
			prints[i] = k.Fingerprint()
		})
	}
	all.Wait()
	for _, print := range prints {
		if print != prints[0] {
			t.Errorf("fingerprints %q", prints)
			break
		}
	}
}

// A folder that others can write is not used for new keys either.
func TestChangeRefusesExposedKeys(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no mode bits")
	}
	w := newWorld(t)
	k := w.keys(alice)
	before, err := os.ReadFile(filepath.Join(k.s.dir, privateName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(k.s.dir), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := k.RotatePrekey(); !errors.Is(err, ErrExposed) {
		t.Errorf("error %v", err)
	}
	if after, err := os.ReadFile(filepath.Join(k.s.dir, privateName)); err != nil || string(after) != string(before) {
		t.Errorf("the keys were changed, %v", err)
	}
}

// Without a lock file, keys are used as before.
func TestKeysWithoutLock(t *testing.T) {
	w := newWorld(t)
	a, m := w.keys(alice), w.keys(mallory)
	name := filepath.Join(a.s.dir, lockName)
	os.Remove(name)
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	w.write(alice, encodeDocument(alice, "syftbox.net", m.s.own.Load()))
	k, err := Load(w.client(alice))
	if !errors.Is(err, ErrNotPublished) {
		t.Fatalf("error %v", err)
	}
	if err := errors.Join(k.Publish(), k.RotatePrekey()); err != nil {
		t.Error(err)
	}
	if _, err := Load(w.client(alice)); err != nil {
		t.Error(err)
	}
}
