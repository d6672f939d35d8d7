package fakebox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Config says how a network behaves. The zero value is a network as SyftBox's,
// without faults.
type Config struct {
	// Seed decides whatever the real SyftBox leaves to chance: the same seed
	// decides the same.
	Seed uint64
	// Speed divides every duration of SyftBox: at 10 a cycle takes half a second.
	// 0 is 1; what is below 0 is an error.
	Speed float64
	// Download says how a full synchronisation writes a file: by BlobStoreInPlace,
	// as the released client 0.8.7 does, with its ChunkSize and Pause; by BlobStore
	// if Mode is anything else.
	Download Delivery
	// ViewLatency is how long the server's list of files is on its way. A file that
	// comes by the fast path meanwhile is taken for one that was deleted: it
	// vanishes, and comes back a cycle later. 0 means no delay. [Box.SetViewLatency] changes it.
	ViewLatency time.Duration
	// FaultRate is how likely a fault is for each file at each point of its way, from
	// 0, the default, to 1. [Box.Heal] ends them.
	FaultRate float64
	// Observe, if it is there, is called with each event, one after the other. It
	// must not call the box.
	Observe func(Event)

	clock *clock // that of the machine if it is nil
}

// A Box is a network of replicas. Its methods may be called concurrently.
type Box struct {
	dir    string
	config Config
	test   TB // nil outside tests
	hub    *hub

	clock   *clock
	session *session // ends with Close

	life sync.Mutex // held while it starts, ends, or lets somebody join

	mu        sync.Mutex
	closed    bool
	started   bool
	healed    bool
	latency   time.Duration // of the server's list of files
	replicas  map[string]*Replica
	draws     map[string]int // how often each path was drawn for
	decisions map[string]int // how often each path came to each point
	failing   map[Fault]int  // by FailNext

	journal sync.Mutex
	events  []Event
}

// TB is what [New] needs of a *testing.T.
type TB interface {
	Helper()
	Cleanup(func())
	Failed() bool
	Errorf(format string, args ...any)
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
	box.test = t
	t.Cleanup(func() {
		box.Close()
		if t.Failed() {
			t.Logf("fakebox: seed %d", config.Seed)
			for _, e := range box.lastEvents(100) {
				t.Logf("%v", e)
			}
		}
	})
	return box
}

// Open makes a network in a folder, which must be new, empty, or a network's
// that was closed.
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
	driven := config.clock == nil
	if driven {
		config.clock = newClock()
	}
	box := &Box{
		dir: dir, config: config, clock: config.clock, latency: config.ViewLatency,
		session:  newSession(context.Background(), config.clock),
		replicas: map[string]*Replica{}, draws: map[string]int{}, decisions: map[string]int{}, failing: map[Fault]int{},
	}
	if driven {
		box.clock.start(box.session)
	}
	box.hub = newHub(newSession(box.session.ctx, box.clock))
	return box, nil
}

// check refuses what cannot be meant.
func (c *Config) check() error {
	switch {
	case c.Speed < 0:
		return fmt.Errorf("fakebox: speed %v is below 0", c.Speed)
	case c.FaultRate < 0 || c.FaultRate > 1:
		return fmt.Errorf("fakebox: fault rate %v is not from 0 to 1", c.FaultRate)
	case modeNames[c.Download.Mode] == "":
		return fmt.Errorf("fakebox: no delivery mode %d", c.Download.Mode)
	}
	if c.Speed == 0 {
		c.Speed = 1
	}
	return nil
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

// Start starts the boxes of all who have joined, in the order of their addresses, and
// of those who join later: from then on files travel. It returns when each has run
// one full synchronisation, watches its folders and is connected. A box that starts
// has no record of earlier runs of the network: files that are the same on the server
// count as synchronised, others as new.
func (b *Box) Start() error { return b.failed(b.start()) }

func (b *Box) start() error {
	b.life.Lock()
	defer b.life.Unlock()
	b.mu.Lock()
	if b.closed || b.started {
		b.mu.Unlock()
		return errors.New("fakebox: the network was started, or closed, already")
	}
	b.started = true
	b.mu.Unlock()
	for _, r := range b.members() {
		if err := r.startDaemon(); err != nil {
			return fmt.Errorf("fakebox: start SyftBox of %s: %w", r.Email, err)
		}
	}
	return nil
}

// Close ends the network: it waits for what is being written and ends the rest. The
// files stay.
func (b *Box) Close() error {
	b.session.stop() // also whatever holds b.life
	b.life.Lock()
	defer b.life.Unlock()
	replicas := b.members()
	b.mu.Lock()
	b.closed = true
	b.replicas = map[string]*Replica{}
	b.mu.Unlock()
	var errs []error
	for _, r := range replicas {
		errs = append(errs, r.stopDaemon())
	}
	b.hub.current().end()
	b.session.end()
	for _, r := range replicas {
		errs = append(errs, r.root.Close())
	}
	return errors.Join(errs...)
}

// SetViewLatency changes [Config.ViewLatency] from the next full synchronisation on. A
// negative latency means no delay.
func (b *Box) SetViewLatency(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.latency = max(d, 0)
}

func (b *Box) viewLatency() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.latency
}

// scaled returns how long a duration of SyftBox's is in this network.
func (b *Box) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / b.config.Speed)
}

func (b *Box) hasStarted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.started
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
	return hash(b.config.Seed, "draw", path, b.draws[path])
}

// failed passes an error on, and fails the test of a network that has one.
func (b *Box) failed(err error) error {
	if err != nil && b.test != nil {
		b.test.Helper()
		b.test.Fatalf("%v", err)
	}
	return err
}

// trouble records an error of a box at work, and fails the test of a network that
// has one.
func (b *Box) trouble(actor, name string, err error) {
	b.record(Event{Actor: actor, Op: OpError, Path: name, Note: err.Error()})
	if b.test != nil {
		b.test.Errorf("fakebox: %s: %s: %v", actor, name, err)
	}
}
