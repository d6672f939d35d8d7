package experiment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A trial is one run of an experiment on one network.
type trial struct {
	network  Network
	kind     string // name of the network
	config   *Config
	app      string
	dir      string // for logs
	observer *Observer
	// release lets the next exclusive experiment start while this one waits for full
	// synchronizations.
	release func()
	// turns spreads the writes of experiments that share a network. It may be nil.
	turns *turns

	mu   sync.Mutex
	seen []string
}

// saw adds to the report.
func (t *trial) saw(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = append(t.seen, fmt.Sprintf(format, args...))
}

func (t *trial) report() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.seen, "; ")
}

// size returns the short or the full size, as configured.
func (t *trial) size(short, full int) int {
	if t.config.Full {
		return full
	}
	return short
}

// rpc returns the key of a file below the app's rpc directory.
func (t *trial) rpc(name string) string { return Bob + "/app_data/" + t.app + "/rpc/" + name }

// url returns the URL of an endpoint of the app.
func (t *trial) url(endpoint string) string { return "syft://" + t.rpc(endpoint) }

func (t *trial) path(who, key string) string {
	return filepath.Join(t.network.Datasites(who), filepath.FromSlash(key))
}

func (t *trial) mkdir(who, key string) error {
	return unlessPruned(func() error { return os.MkdirAll(t.path(who, key), 0o755) })
}

// unlessPruned retries an operation that failed because SyftBox has pruned an empty
// directory.
func unlessPruned(attempt func() error) (err error) {
	for range 100 {
		if err = attempt(); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return err
}

// watchDelay is how long SyftBox has to watch a new directory before an experiment writes
// into it. SyftBox needs about 20 ms on an idle machine.
const watchDelay = time.Second

// watched creates directories and waits until SyftBox watches them and is calm.
func (t *trial) watched(ctx context.Context, who string, keys ...string) error {
	for _, key := range keys {
		if err := t.mkdir(who, key); err != nil {
			return err
		}
	}
	return t.calm(ctx, who)
}

// calm waits until a second after the start of a person's next full synchronization. The
// one after that is then seconds away and cannot upload a file before the fast path does.
func (t *trial) calm(ctx context.Context, who string) error {
	before := t.network.Cycles(who)
	if err := await(ctx, cycleTimeout, func() bool { return t.network.Cycles(who) > before }); err != nil {
		return fmt.Errorf("wait for a full synchronization of %s: %w", who, err)
	}
	return sleep(ctx, watchDelay+t.turns.take(time.Now()))
}

// turns spreads the writes of several experiments on one network: SyftBox loses files
// that are written at the same moment.
type turns struct {
	mu   sync.Mutex
	next time.Time
}

const turnLength = 100 * time.Millisecond

// take returns how long to wait for the next turn. A nil turns never waits.
func (t *turns) take(now time.Time) time.Duration {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	at := now
	if t.next.After(now) {
		at = t.next
	}
	t.next = at.Add(turnLength)
	return at.Sub(now)
}

// write writes a file in place by a single write, which SyftBox's fast path requires. It
// does not truncate an existing file.
func (t *trial) write(who, key string, data []byte) error {
	var f *os.File
	err := unlessPruned(func() (err error) {
		if err = t.mkdir(who, path.Dir(key)); err == nil {
			f, err = os.OpenFile(t.path(who, key), os.O_WRONLY|os.O_CREATE, 0o644)
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// rename writes a temporary file and renames it.
func (t *trial) rename(who, key string, data []byte) error {
	if err := t.mkdir(who, path.Dir(key)); err != nil {
		return err
	}
	temporary := t.path(who, key) + ".tmp"
	if err := os.WriteFile(temporary, data, 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, t.path(who, key))
}

// nudge rewrites the first byte of a file unchanged.
func (t *trial) nudge(who, key string) error {
	f, err := os.OpenFile(t.path(who, key), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	first := make([]byte, 1)
	if _, err := f.ReadAt(first, 0); err != nil {
		return err
	}
	_, err = f.WriteAt(first, 0)
	return err
}

// remove removes a file if it exists.
func (t *trial) remove(who, key string) error {
	if err := os.Remove(t.path(who, key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// patience is the timeout for changes that take one or two cycles.
const patience = 60 * time.Second

// arrives waits until a person has a file, and compares its content with data unless data
// is nil.
func (t *trial) arrives(ctx context.Context, who, key string, data []byte) (Sighting, error) {
	var s Sighting
	err := await(ctx, patience, func() bool {
		var ok bool
		s, ok = t.observer.Has(who, key)
		return ok
	})
	if errors.Is(err, errTimeout) {
		return s, failf("%s does not have %s after %v", who, path.Base(key), patience)
	}
	if err != nil {
		return s, err
	}
	if data == nil {
		return s, nil
	}
	got, err := os.ReadFile(t.path(who, key))
	if err != nil {
		return s, failf("%s lost %s right after it arrived: %v", who, path.Base(key), err)
	}
	if !bytes.Equal(got, data) {
		return s, failf("%s has other content in %s, %d bytes", who, path.Base(key), len(got))
	}
	return s, nil
}

// arrivesBy is arrives, and fails unless the file came in a certain way. It returns the
// time from since to the arrival.
func (t *trial) arrivesBy(ctx context.Context, way Way, who, key string, data []byte, since time.Time) (time.Duration, error) {
	s, err := t.arrives(ctx, who, key, data)
	if err != nil {
		return 0, err
	}
	if s.Way() != way {
		return 0, failf("%s got %s by the %s after %.2f s, want the %s", who, path.Base(key), s.Way(), s.From.Sub(since).Seconds(), way)
	}
	return s.From.Sub(since), nil
}

// gone waits until a person no longer has a file or directory.
func (t *trial) gone(ctx context.Context, who, key string) error {
	err := await(ctx, patience, func() bool {
		_, ok := t.observer.Has(who, key)
		return !ok
	})
	if errors.Is(err, errTimeout) {
		return failf("%s still has %s after %v", who, path.Base(key), patience)
	}
	return err
}

// has fails unless a person has a file or directory now.
func (t *trial) has(who, key string) error {
	if _, err := os.Lstat(t.path(who, key)); err != nil {
		return failf("%s does not have %s", who, path.Base(key))
	}
	return nil
}

// lacks fails if a person has or had a file.
func (t *trial) lacks(who, key string) error {
	if seen := t.observer.Of(who, key); len(seen) > 0 {
		return failf("%s got %s by the %s", who, path.Base(key), seen[0].Way())
	}
	return nil
}

// cycles waits until n full synchronizations of alice and bob have started and finished.
func (t *trial) cycles(ctx context.Context, n int) error {
	return awaitCycles(ctx, t.network, n, Alice, Bob)
}

// body returns size bytes made of a name.
func body(size int, name string) []byte {
	text := []byte(name + " ")
	return bytes.Repeat(text, size/len(text)+1)[:size]
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
