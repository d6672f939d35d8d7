package fakebox

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Config says how a network behaves. The zero value is a network without
// faults.
type Config struct {
	// Seed decides whatever the real SyftBox leaves to chance: the same seed
	// decides the same.
	Seed uint64
}

// A Box is a network of replicas. Its methods may be called concurrently.
type Box struct {
	dir    string
	config Config
	fail   func(error) // nil outside tests

	mu       sync.Mutex
	replicas map[string]*Replica
	draws    map[string]uint64 // how often each path was drawn for
}

// TB is what [New] needs of a *testing.T.
type TB interface {
	Helper()
	Cleanup(func())
	Failed() bool
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	TempDir() string
}

// markerName is the file by which a folder is known to be a network's.
const markerName = ".fakebox"

// New makes a network in a temporary folder of the test, which ends it. Whatever
// goes wrong in the network or its replicas fails the test.
func New(t TB, config Config) *Box {
	t.Helper()
	box, err := Open(filepath.Join(t.TempDir(), "box"), config)
	if err != nil {
		t.Fatalf("%v", err)
		return nil
	}
	box.fail = func(err error) {
		t.Helper()
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("fakebox: seed %d", config.Seed)
		}
		box.Close()
	})
	return box
}

// Open makes a network in a folder, which must be new, empty, or a network's
// that was closed.
func Open(dir string, config Config) (*Box, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("fakebox: %w", err)
	}
	if err := claim(dir); err != nil {
		return nil, err
	}
	return &Box{dir: dir, config: config, replicas: map[string]*Replica{}, draws: map[string]uint64{}}, nil
}

// claim marks a folder as a network's, unless it is somebody else's.
func claim(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return fmt.Errorf("fakebox: opening the network's folder: %w", err)
	}
	marker := filepath.Join(dir, markerName)
	if _, err := os.Lstat(marker); err == nil {
		return nil
	}
	if len(entries) > 0 {
		return fmt.Errorf("fakebox: folder %s is not empty and not a fakebox network: nothing was touched, choose another", dir)
	}
	if err := os.WriteFile(marker, []byte("A network of fakebox, for tests.\n"), 0o644); err != nil {
		return fmt.Errorf("fakebox: marking the network's folder: %w", err)
	}
	return nil
}

// Close ends the network. The files stay.
func (b *Box) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for _, r := range b.replicas {
		errs = append(errs, r.root.Close())
	}
	b.replicas = map[string]*Replica{}
	return errors.Join(errs...)
}

// Dir returns the folder of the network, in which each replica has a folder.
func (b *Box) Dir() string { return b.dir }

// Replica returns the replica of a person who has joined.
func (b *Box) Replica(email string) (*Replica, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, ok := b.replicas[email]
	return r, ok
}

// draw returns a number that depends on nothing but the seed, the path and how
// often one was drawn for it.
func (b *Box) draw(path string) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.draws[path]++
	h := fnv.New64a()
	fmt.Fprintf(h, "%d\x00%s\x00%d", b.config.Seed, path, b.draws[path])
	return h.Sum64()
}

// failed passes an error on, and fails the test of a network that has one.
func (b *Box) failed(err error) error {
	if err != nil && b.fail != nil {
		b.fail(err)
	}
	return err
}
