package fakebox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config configures a network. The zero value is a network with SyftBox's timing and
// without injected faults.
type Config struct {
	// Seed determines all random decisions: the same seed makes the same decisions.
	Seed uint64
	// Speed divides every duration of SyftBox: with 10, a cycle takes half a second.
	// Defaults to 1. Negative is an error.
	Speed float64
	// Download is how a full sync writes a file. With Mode BlobStoreInPlace it writes
	// in place, like the released client 0.8.7, with the given ChunkSize and Pause;
	// with any other Mode it uses BlobStore.
	Download Delivery
	// ViewLatency is how long the server's list of files takes to reach a client. A
	// file that arrives by the fast path meanwhile seems deleted on the server: it
	// vanishes, and comes back a cycle later. Defaults to 0. [Box.SetViewLatency]
	// changes it.
	ViewLatency time.Duration
	// FaultRate is the probability, from 0 to 1, that a fault strikes a file at each
	// step of its delivery. Defaults to 0. [Box.Heal] ends the faults.
	FaultRate float64
	// Observe, if not nil, is called with each event, one at a time. It must not call
	// methods of the Box.
	Observe func(Event)

	clock *clock // defaults to real time
}

// A Box is a network of replicas and SyftBox's server. Its methods may be called
// concurrently.
type Box struct {
	dir     string
	config  Config
	test    TB // nil outside tests
	sim     *simulation
	session *session // ends with Close
	hub     *hub

	life sync.Mutex // serializes Start and Close, joining, and starts and stops of clients

	mu              sync.Mutex // guards the fields below
	started, closed bool
	replicas        map[string]*Replica // by address
}

// TB is the part of [testing.TB] that [New] uses.
type TB interface {
	Helper()
	Cleanup(func())
	Failed() bool
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	TempDir() string
}

// markerName is the file that identifies the folder of a network.
const markerName = ".fakebox"

var (
	errClosed  = errors.New("network is closed")
	errRunning = errors.New("already running")
)

// New creates a network in a temporary folder of the test, and closes it at the end of
// the test. Errors of the network and its replicas fail the test. If the test fails, New
// logs the seed and the last events.
func New(t TB, config Config) *Box {
	t.Helper()
	box, err := Open(filepath.Join(t.TempDir(), "box"), config)
	if err != nil {
		t.Fatalf("%v", err)
		return nil
	}
	box.test, box.sim.journal.test = t, t
	t.Cleanup(func() {
		box.Close()
		if t.Failed() {
			t.Logf("fakebox: seed %d", config.Seed)
			for _, e := range box.sim.journal.last(100) {
				t.Logf("%v", e)
			}
		}
	})
	return box
}

// Open creates a network in a folder, which must be missing, empty, or the folder of a
// closed network.
func Open(dir string, config Config) (*Box, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("fakebox: %w", err)
	}
	if err := claim(dir); err != nil {
		return nil, err
	}
	realTime := config.clock == nil
	if realTime {
		config.clock = newClock()
	}
	sim := &simulation{
		clock: config.clock, chance: newChance(config.Seed, config.FaultRate),
		journal: &journal{clock: config.clock, observe: config.Observe},
	}
	sim.setSpeed(config.Speed)
	session := newSession(context.Background(), config.clock)
	if realTime {
		config.clock.start(session.ctx, session.background)
	}
	return &Box{
		dir: dir, config: config, sim: sim, session: session,
		hub: newHub(sim, session, config.ViewLatency), replicas: map[string]*Replica{},
	}, nil
}

// check validates the configuration and sets defaults.
func (c *Config) check() error {
	switch {
	case c.Speed < 0:
		return fmt.Errorf("fakebox: speed %v is negative", c.Speed)
	case c.FaultRate < 0 || c.FaultRate > 1:
		return fmt.Errorf("fakebox: fault rate %v is not between 0 and 1", c.FaultRate)
	case modeNames[c.Download.Mode] == "":
		return fmt.Errorf("fakebox: unknown delivery mode %d", c.Download.Mode)
	}
	if c.Speed == 0 {
		c.Speed = 1
	}
	return nil
}

// claim creates the folder of a network. It returns an error if the folder has files of
// somebody else.
func claim(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return fmt.Errorf("fakebox: open network: %w", err)
	}
	marker := filepath.Join(dir, markerName)
	if _, err := os.Lstat(marker); err == nil {
		return nil
	}
	if len(entries) > 0 {
		return fmt.Errorf("fakebox: open network: folder %s is not empty and not a fakebox network", dir)
	}
	if err := os.WriteFile(marker, []byte("This folder is a fakebox network, for tests.\n"), 0o644); err != nil {
		return fmt.Errorf("fakebox: open network: %w", err)
	}
	return nil
}

// Start starts the clients of all replicas, in the order of their addresses, and those of
// replicas that join later: from now on files travel. It returns when each client has run
// one full sync, watches its folders, and is connected. The clients
// keep no record of earlier networks in this folder: files that are the same here and on
// the server count as synced, all others as new. Start returns an error if the network
// was started or closed before; an error fails the test passed to [New].
func (b *Box) Start() error { return b.failed(b.start()) }

func (b *Box) start() error {
	b.life.Lock()
	defer b.life.Unlock()
	b.mu.Lock()
	if b.closed || b.started {
		b.mu.Unlock()
		return errors.New("fakebox: start network: already started or closed")
	}
	b.started = true
	b.mu.Unlock()
	for _, r := range b.members() {
		if err := r.daemon.start(); err != nil {
			return fmt.Errorf("fakebox: start client of %s: %w", r.Email, err)
		}
	}
	return nil
}

// Close stops the server and all clients, and waits until they have ended. The files
// stay.
func (b *Box) Close() error {
	b.session.stop() // interrupts whatever holds life
	b.life.Lock()
	defer b.life.Unlock()
	replicas := b.members()
	b.mu.Lock()
	b.closed = true
	b.replicas = map[string]*Replica{}
	b.mu.Unlock()
	var errs []error
	for _, r := range replicas {
		errs = append(errs, r.daemon.stop())
	}
	b.hub.process.current().end()
	b.session.end()
	for _, r := range replicas {
		errs = append(errs, r.tree.root.Close())
	}
	return errors.Join(errs...)
}

// Dir returns the folder of the network. It has a folder for each replica.
func (b *Box) Dir() string { return b.dir }

// Replica returns the replica of a person, if that person has joined.
func (b *Box) Replica(email string) (*Replica, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, ok := b.replicas[email]
	return r, ok
}

// members returns all replicas, sorted by address.
func (b *Box) members() []*Replica {
	b.mu.Lock()
	defer b.mu.Unlock()
	members := make([]*Replica, 0, len(b.replicas))
	for _, r := range b.replicas {
		members = append(members, r)
	}
	slices.SortFunc(members, func(a, b *Replica) int { return strings.Compare(a.Email, b.Email) })
	return members
}

// state reports whether the network was started, and whether it was closed.
func (b *Box) state() (started, closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.started, b.closed
}

// failed returns err. If it is not nil and the network has a test, it fails the test.
func (b *Box) failed(err error) error {
	if err != nil && b.test != nil {
		b.test.Helper()
		b.test.Fatalf("%v", err)
	}
	return err
}
