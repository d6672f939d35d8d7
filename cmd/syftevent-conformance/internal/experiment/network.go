package experiment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// The people of every network. Bob serves, Alice calls, Carol is a third party.
const (
	Alice = "alice@example.com"
	Bob   = "bob@example.com"
	Carol = "carol@example.com"
)

var people = []string{Alice, Bob, Carol}

// A Network is a SyftBox network of [Alice], [Bob] and [Carol], real or fake.
type Network interface {
	// Datasites returns the directory of the datasites in a person's replica.
	Datasites(email string) string
	// ConfigPath returns the path of a person's SyftBox config file.
	ConfigPath(email string) string
	// Cycles counts the full synchronizations that a person's client has started. When
	// the count has grown by two, one of them has scanned every file that is there now.
	Cycles(email string) int
	// KillClient kills a person's client. StartClient restarts it with its journal and
	// returns when it is connected.
	KillClient(email string) error
	StartClient(ctx context.Context, email string) error
	// KillServer kills SyftBox's server. StartServer restarts it with its files.
	KillServer() error
	StartServer(ctx context.Context) error
	// SetViewLatency delays the server's file list on its way to each client.
	SetViewLatency(d time.Duration) error
	// URL returns the base URL of the HTTP gateway.
	URL() string
	// Logs returns the paths of the network's logs.
	Logs() []string
	// Close stops the network. It keeps the files.
	Close() error
}

// apps are the names of the apps in bob's datasite.
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

// permissions is the permission file of the Python package: a sender may read and write
// requests and responses in folders with the sender's name.
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

// awaitCycles waits until count full synchronizations of each person have started and
// finished.
func awaitCycles(ctx context.Context, n Network, count int, emails ...string) error {
	want := map[string]int{}
	for _, email := range emails {
		want[email] = n.Cycles(email) + count + 1
	}
	for _, email := range emails {
		err := await(ctx, cycleTimeout*time.Duration(count+1), func() bool { return n.Cycles(email) >= want[email] })
		if err != nil {
			return fmt.Errorf("wait for %d full synchronizations of %s: %w", count, email, err)
		}
	}
	return nil
}

// cycleTimeout is how long a cycle may take on a busy machine. It is 5 s on an idle one.
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
