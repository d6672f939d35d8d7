package experiment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// The people of every network. Bob serves, alice calls, carol watches.
const (
	Alice = "alice@example.com"
	Bob   = "bob@example.com"
	Carol = "carol@example.com"
)

var people = []string{Alice, Bob, Carol}

// A Network is a SyftBox network, real or imitated, of [Alice], [Bob] and [Carol].
type Network interface {
	// Datasites returns the folder of a person's replica that holds the datasites.
	Datasites(email string) string
	// ConfigPath returns a person's SyftBox configuration.
	ConfigPath(email string) string
	// Cycles counts a person's full synchronisations. A file that is there now has
	// been seen when the count has grown by two.
	Cycles(email string) int
	// KillClient ends a person's SyftBox at once; StartClient starts it again with
	// its journal, and returns when it is connected.
	KillClient(email string) error
	StartClient(ctx context.Context, email string) error
	// KillServer ends SyftBox's server at once; StartServer starts it again with its
	// files.
	KillServer() error
	StartServer(ctx context.Context) error
	// SetViewLatency delays the server's list of files on its way to each person.
	SetViewLatency(d time.Duration) error
	// URL returns the base address of the HTTP gateway.
	URL() string
	// Logs returns the paths of the network's logs.
	Logs() []string
	// Close ends the network. The files stay.
	Close() error
}

// ErrNotImitated is returned by a network that lacks what an experiment needs.
var ErrNotImitated = errors.New("not imitated yet")

// apps are the names of apps whose permissions bob's datasite has from the start.
type apps []string

// prepare writes the permissions of each app into bob's replica.
func (a apps) prepare(email, datasites string) error {
	if email != Bob {
		return nil
	}
	for _, app := range a {
		dir := filepath.Join(datasites, Bob, "app_data", app, "rpc")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		for name, text := range map[string]string{"syft.pub.yaml": permissions, ".syftkeep": ""} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// permissions are those that the Python package gives an app: a sender may read and
// write requests and responses in the folders of their own name.
const permissions = `
rules:
- pattern: rpc.schema.json
  access:
    read:
    - '*'
- pattern: '**/{{.UserEmail}}/*.request'
  access:
    read:
    - 'USER'
    write:
    - 'USER'
- pattern: '**/{{.UserEmail}}/*.response'
  access:
    read:
    - 'USER'
    write:
    - 'USER'
`

// awaitCycles waits until n full synchronisations of each person have begun and
// ended.
func awaitCycles(ctx context.Context, n Network, count int, emails ...string) error {
	want := map[string]int{}
	for _, email := range emails {
		want[email] = n.Cycles(email) + count + 1
	}
	for _, email := range emails {
		err := await(ctx, cycleTimeout*time.Duration(count+1), func() bool { return n.Cycles(email) >= want[email] })
		if err != nil {
			return fmt.Errorf("wait for %d full synchronisations of %s: %w", count, email, err)
		}
	}
	return nil
}

// cycleTimeout is how long one cycle of 5 s may take on a busy machine.
const cycleTimeout = 30 * time.Second

var errTimeout = errors.New("timeout")

// await waits until a condition holds.
func await(ctx context.Context, timeout time.Duration, condition func() bool) error {
	deadline := time.Now().Add(timeout)
	for !condition() {
		if time.Now().After(deadline) {
			return errTimeout
		}
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
