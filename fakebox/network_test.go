package fakebox_test

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

const (
	rpc    = "bob@example.com/app_data/echo/rpc"
	folder = rpc + "/hello/alice@example.com"
)

// A network connects bob, who runs a server, and alice, who sends requests. The test
// advances its clock, so that nothing depends on the speed of this machine.
type network struct {
	*testing.T
	clock      *fakebox.Clock
	box        *fakebox.Box
	alice, bob *fakebox.Replica
}

// idleNetwork returns a network that is not started.
func idleNetwork(t *testing.T, config fakebox.Config) *network {
	t.Helper()
	t.Parallel()
	box, clock := fakebox.NewOnClock(t, config)
	return &network{T: t, clock: clock, box: box, alice: box.Join("alice@example.com"), bob: box.Join("bob@example.com")}
}

// newNetwork returns a started network with bob's permissions on the server.
func newNetwork(t *testing.T, config fakebox.Config) *network {
	t.Helper()
	n := idleNetwork(t, config)
	permissions, err := os.ReadFile("testdata/syft.pub.yaml")
	if err != nil {
		t.Fatal(err)
	}
	n.write(n.bob, rpc+"/syft.pub.yaml", string(permissions))
	n.write(n.bob, rpc+"/hello/.syftkeep", "")
	if err := n.box.Start(); err != nil {
		t.Fatal(err)
	}
	n.event("the permissions are uploaded", func(e fakebox.Event) bool {
		return e.Op == fakebox.OpUpload && strings.HasSuffix(e.Path, "syft.pub.yaml")
	})
	return n
}

// write writes a file in place, as an application does. It does not empty the file first: a
// full sync in between would see an empty file.
func (n *network) write(r *fakebox.Replica, key, data string) {
	n.Helper()
	n.mkdir(r, path.Dir(key))
	f, err := os.OpenFile(r.Path(key), os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		n.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(data); err != nil {
		n.Fatal(err)
	}
	if info, err := f.Stat(); err == nil && info.Size() > int64(len(data)) {
		if err := f.Truncate(int64(len(data))); err != nil {
			n.Fatal(err)
		}
	}
}

// rename writes a temporary file and renames it.
func (n *network) rename(r *fakebox.Replica, key, data string) {
	n.Helper()
	n.mkdir(r, path.Dir(key))
	temp := r.Path(key) + ".tmp"
	if err := os.WriteFile(temp, []byte(data), 0o644); err != nil {
		n.Fatal(err)
	}
	if err := os.Rename(temp, r.Path(key)); err != nil {
		n.Fatal(err)
	}
}

func (n *network) mkdir(r *fakebox.Replica, key string) {
	n.Helper()
	if err := os.MkdirAll(r.Path(key), 0o755); err != nil {
		n.Fatal(err)
	}
}

// watched creates a folder, and returns when the client watches it.
func (n *network) watched(r *fakebox.Replica, key string) {
	n.Helper()
	n.mkdir(r, key)
	n.clock.Settle() // the watch has reported the folder
	n.clock.Advance(fakebox.WatchDelay)
}

func (n *network) remove(r *fakebox.Replica, key string) {
	n.Helper()
	if err := os.Remove(r.Path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		n.Fatal(err)
	}
}

func (n *network) exists(r *fakebox.Replica, key string) bool {
	_, err := os.Lstat(r.Path(key))
	return err == nil
}

func (n *network) read(r *fakebox.Replica, key string) string {
	data, _ := os.ReadFile(r.Path(key))
	return string(data)
}

// until advances the clock until the condition holds.
func (n *network) until(what string, condition func() bool) {
	n.Helper()
	limit := n.clock.Now().Add(10 * time.Minute)
	for n.clock.Settle(); !condition(); {
		if !n.clock.Step(limit.Sub(n.clock.Now())) {
			n.Fatalf("timeout waiting for: %s", what)
		}
	}
}

// eventually waits in real time until the condition holds, for the work of other
// goroutines of the test. Its time limit only ends a test that hangs.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timeout waiting for: %s", what)
		}
	}
}

// arrives waits until a file has the given content.
func (n *network) arrives(r *fakebox.Replica, key, data string) {
	n.Helper()
	n.until(key+" for "+r.Email, func() bool { return n.read(r, key) == data })
}

// event waits for an event and returns it.
func (n *network) event(what string, is func(fakebox.Event) bool) fakebox.Event {
	n.Helper()
	var found fakebox.Event
	n.until(what, func() bool {
		events := n.box.Events()
		i := slices.IndexFunc(events, is)
		if i >= 0 {
			found = events[i]
		}
		return i >= 0
	})
	return found
}

// of returns a condition for the events of a file with the given actor and operation.
func of(actor string, op fakebox.Op, key string) func(fakebox.Event) bool {
	return func(e fakebox.Event) bool { return e.Actor == actor && e.Op == op && e.Path == key }
}

const (
	aliceBox = "alice@example.com/box"
	bobBox   = "bob@example.com/box"
)

// cycles advances the clock until each replica has begun and ended count full syncs.
func (n *network) cycles(count int) {
	n.Helper()
	for _, r := range []*fakebox.Replica{n.alice, n.bob} {
		before := r.Cycles()
		n.until("cycles", func() bool { return r.Cycles() > before+count }) // one may be in progress
	}
}
