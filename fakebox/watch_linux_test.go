package fakebox_test

import (
	"fmt"
	"os"
	"path"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

// wayOf writes a file at bob's, and returns the [fakebox.Event.Via] of its arrival at
// alice's.
func (n *network) wayOf(key string) string {
	n.Helper()
	n.clock.Advance(time.Second)
	n.write(n.bob, key, "x")
	n.arrives(n.alice, key, "x")
	return n.via(aliceBox, key)
}

// remake removes and recreates a folder.
func (n *network) remake(key string) {
	n.Helper()
	if err := os.RemoveAll(n.bob.Path(key)); err != nil {
		n.Fatal(err)
	}
	n.clock.Advance(time.Second)
	n.watched(n.bob, key)
}

// Only a restart of the client makes it watch the folder.
func TestRecreatedFolderIsNotWatched(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.bob, folder)
	if way := n.wayOf(folder + "/1.response"); way != fakebox.ViaFast {
		t.Errorf("original folder: sent via %s, want fast", way)
	}
	n.remake(folder)
	if way := n.wayOf(folder + "/2.response"); way != fakebox.ViaFullSync {
		t.Errorf("recreated folder: sent via %s, want full-sync", way)
	}
	n.do("stop", n.bob.Stop())
	n.do("start", n.bob.Start())
	if way := n.wayOf(folder + "/3.response"); way != fakebox.ViaFast {
		t.Errorf("after a restart: sent via %s, want fast", way)
	}
}

// In a recreated folder the client watches only folders with new names that exist when it
// notices the recreated one.
func TestFoldersInRecreatedFolder(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	parent := rpc + "/endpoint"
	old, soon, late := parent+"/alice@example.com", parent+"/soon/alice@example.com", parent+"/late/alice@example.com"
	n.watched(n.bob, old)
	if err := os.RemoveAll(n.bob.Path(parent)); err != nil {
		t.Fatal(err)
	}
	n.mkdir(n.bob, old)
	n.mkdir(n.bob, soon)
	n.watched(n.bob, parent)
	n.watched(n.bob, late)
	for key, want := range map[string]string{old: fakebox.ViaFullSync, soon: fakebox.ViaFast, late: fakebox.ViaFullSync} {
		if way := n.wayOf(key + "/1.response"); way != want {
			t.Errorf("%s: sent via %s, want %s", key, way, want)
		}
	}
}

// A folder that is then created under the old name is not watched.
func TestRenamedFolderIsWatched(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	before, after := rpc+"/before/alice@example.com", rpc+"/after/alice@example.com"
	n.watched(n.bob, before)
	if err := os.Rename(n.bob.Path(path.Dir(before)), n.bob.Path(path.Dir(after))); err != nil {
		t.Fatal(err)
	}
	n.clock.Settle()
	n.clock.Advance(fakebox.WatchDelay)
	n.watched(n.bob, before)
	for key, want := range map[string]string{before: fakebox.ViaFullSync, after: fakebox.ViaFast} {
		if way := n.wayOf(key + "/1.response"); way != want {
			t.Errorf("%s: sent via %s, want %s", key, way, want)
		}
	}
}

// A .syftkeep keeps its folder from being pruned, and so keeps it watched.
func TestPrunedFolderIsNotWatchedAgain(t *testing.T) {
	for _, kept := range []bool{false, true} {
		t.Run(fmt.Sprint("kept ", kept), func(t *testing.T) {
			n := newNetwork(t, fakebox.Config{})
			n.watched(n.bob, folder)
			want := fakebox.ViaFullSync
			if kept {
				n.write(n.bob, folder+"/.syftkeep", "")
				want = fakebox.ViaFast
			}
			key := folder + "/1.request"
			n.write(n.alice, key, "x")
			n.arrives(n.bob, key, "x")
			n.clock.Advance(2 * time.Second)
			n.remove(n.alice, key)
			n.until("bob's file is deleted", func() bool { return !n.exists(n.bob, key) })
			if n.exists(n.bob, folder) != kept {
				t.Errorf("folder exists: %v, want %v", !kept, kept)
			}
			n.watched(n.bob, folder)
			if way := n.wayOf(folder + "/1.response"); way != want {
				t.Errorf("sent via %s, want %s", way, want)
			}
		})
	}
}
