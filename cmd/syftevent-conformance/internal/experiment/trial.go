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

// A trial is one experiment on one network.
type trial struct {
	network  Network
	kind     string // name of the network
	config   *Config
	app      string
	dir      string // for logs
	observer *Observer
	// release lets the next exclusive experiment begin while this one waits for full
	// synchronisations.
	release func()
	// turns are those of a network that experiments share, or nil.
	turns *turns

	mu   sync.Mutex
	seen []string
}

// saw adds to what is reported as seen.
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

// size chooses between the short and the full size of an experiment.
func (t *trial) size(short, full int) int {
	if t.config.Full {
		return full
	}
	return short
}

// rpc returns the key of a file below the app's rpc folder.
func (t *trial) rpc(name string) string { return Bob + "/app_data/" + t.app + "/rpc/" + name }

// url returns the address of an endpoint of the app.
func (t *trial) url(endpoint string) string { return "syft://" + t.rpc(endpoint) }

func (t *trial) path(who, key string) string {
	return filepath.Join(t.network.Datasites(who), filepath.FromSlash(key))
}

func (t *trial) mkdir(who, key string) error {
	return unlessPruned(func() error { return os.MkdirAll(t.path(who, key), 0o755) })
}

// unlessPruned tries again what failed because SyftBox pruned an empty directory
// meanwhile.
func unlessPruned(attempt func() error) (err error) {
	for range 100 {
		if err = attempt(); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return err
}

// watchDelay is how long a new directory stands before files are written in it that
// SyftBox is to notice at once. It needs about 20 ms on an idle machine.
const watchDelay = time.Second

// watched makes a directory for each key and waits until SyftBox watches it and is
// calm.
func (t *trial) watched(ctx context.Context, who string, keys ...string) error {
	for _, key := range keys {
		if err := t.mkdir(who, key); err != nil {
			return err
		}
	}
	return t.calm(ctx, who)
}

// calm waits until a second after a full synchronisation of a person has begun. The
// next one is then seconds away: it would upload a file that waits for the fast path.
func (t *trial) calm(ctx context.Context, who string) error {
	before := t.network.Cycles(who)
	if err := await(ctx, cycleTimeout, func() bool { return t.network.Cycles(who) > before }); err != nil {
		return fmt.Errorf("wait for a full synchronisation of %s: %w", who, err)
	}
	return sleep(ctx, watchDelay+t.turns.take(time.Now()))
}

// turns spread what several experiments write on one network: SyftBox loses files that
// are written at the same moment.
type turns struct {
	mu   sync.Mutex
	next time.Time
}

const turnLength = 100 * time.Millisecond

// take returns how long to wait, from now, for a turn. Without turns there is nothing
// to wait for.
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

// write writes a file in place, by one write, as SyftBox's fast path wants it. A file
// that is there is not truncated first: it keeps its directory entry.
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

// rename writes a file elsewhere and renames it into its place.
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

// nudge rewrites the first byte of a file with itself.
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

// remove removes a file, which may have gone already.
func (t *trial) remove(who, key string) error {
	if err := os.Remove(t.path(who, key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// patience is how long something is waited for that takes one cycle, or two.
const patience = 60 * time.Second

// arrives waits until somebody has a file, and checks its bytes.
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
		return s, failf("%s had %s, and lost it at once: %v", who, path.Base(key), err)
	}
	if !bytes.Equal(got, data) {
		return s, failf("%s has %d other bytes in %s", who, len(got), path.Base(key))
	}
	return s, nil
}

// arrivesBy is arrives that requires one of the two ways. It returns how long the
// file took since a time.
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

// gone waits until somebody does not have a file or directory any more.
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

// has fails unless somebody has a file or directory just now.
func (t *trial) has(who, key string) error {
	if _, err := os.Lstat(t.path(who, key)); err != nil {
		return failf("%s does not have %s", who, path.Base(key))
	}
	return nil
}

// lacks fails if somebody has, or has ever had, a file.
func (t *trial) lacks(who, key string) error {
	if seen := t.observer.Of(who, key); len(seen) > 0 {
		return failf("%s got %s by the %s", who, path.Base(key), seen[0].Way())
	}
	return nil
}

// cycles waits until n full synchronisations of everybody have begun and ended.
func (t *trial) cycles(ctx context.Context, n int) error {
	return awaitCycles(ctx, t.network, n, Alice, Bob)
}

// body is a content of its own of a size.
func body(size int, name string) []byte {
	text := []byte(name + " ")
	return bytes.Repeat(text, size/len(text)+1)[:size]
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
