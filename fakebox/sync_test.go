package fakebox_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

// A file that is written in place, in a folder that is watched, goes at once; one
// that is renamed, linked or touched goes with the full synchronisation.
func TestPaths(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.bob, folder)
	rename := func(key, data string) { n.rename(n.bob, key, data) }
	tests := []struct {
		name, via string
		mode      fs.FileMode
		write     func(key, data string)
	}{
		{"in place", fakebox.ViaFast, 0o600, func(key, data string) { n.write(n.bob, key, data) }},
		{"renamed", fakebox.ViaFullSync, 0o644, rename},
		{"renamed and touched", fakebox.ViaFullSync, 0o644, func(key, data string) {
			rename(key, data)
			now := time.Now()
			if err := os.Chtimes(n.bob.Path(key), now, now); err != nil {
				t.Fatal(err)
			}
		}},
		{"linked", fakebox.ViaFullSync, 0o644, func(key, data string) {
			temp := n.bob.Path(key) + ".tmp"
			if err := os.WriteFile(temp, []byte(data), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Link(temp, n.bob.Path(key)); err != nil {
				t.Fatal(err)
			}
		}},
		{"renamed and truncated to its own size", fakebox.ViaFast, 0o600, func(key, data string) {
			rename(key, data)
			if err := os.Truncate(n.bob.Path(key), int64(len(data))); err != nil {
				t.Fatal(err)
			}
		}},
		{"renamed and a byte of it written again", fakebox.ViaFast, 0o600, func(key, data string) {
			rename(key, data)
			f, err := os.OpenFile(n.bob.Path(key), os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt([]byte(data[:1]), 0); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n.clock.Advance(time.Second) // away from any synchronisation
			key := folder + "/" + string(rune('a'+i)) + ".response"
			test.write(key, test.name)
			n.arrives(n.alice, key, test.name)
			if e := n.event("arrival", of(aliceBox, fakebox.OpArrive, key)); e.Via != test.via && fakebox.TellsWritesFromRenames {
				t.Errorf("it came via %s, want %s", e.Via, test.via)
			}
			info, err := os.Stat(n.alice.Path(key))
			if err != nil {
				t.Fatal(err)
			}
			if fakebox.TellsWritesFromRenames && info.Mode().Perm() != test.mode {
				t.Errorf("mode %v, want %v", info.Mode(), test.mode)
			}
			if since := time.Since(info.ModTime()); since < 0 || since > time.Minute {
				t.Errorf("its time is %v, not that of its arrival", info.ModTime())
			}
		})
	}
}

// What is written at once in a new folder is not noticed, with SyftBox eleven times of
// twelve; what is written 20 ms later is.
func TestNewFolderIsNotWatchedYet(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	for wait, via := range map[time.Duration]string{0: fakebox.ViaFullSync, 20 * time.Millisecond: fakebox.ViaFast} {
		key := fmt.Sprintf("%s/new%d/alice@example.com/first.request", rpc, wait)
		n.mkdir(n.alice, path.Dir(key))
		n.clock.Settle()
		n.clock.Advance(wait)
		n.write(n.alice, key, "first")
		n.arrives(n.bob, key, "first")
		if e := n.event("arrival", of(bobBox, fakebox.OpArrive, key)); e.Via != via && fakebox.TellsWritesFromRenames {
			t.Errorf("after %v it came via %s, want %s", wait, e.Via, via)
		}
	}
}

func TestHalfWrittenFileTravels(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.bob, folder)
	key := folder + "/1.response"
	f, err := os.Create(n.bob.Path(key))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.WriteString("half")
	n.clock.Advance(2 * fakebox.Debounce)
	n.arrives(n.alice, key, "half")
	f.WriteString(" and half")
	n.arrives(n.alice, key, "half and half")
}

func TestDeletesPruneFolders(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	kept, pruned := folder+"/1.request", rpc+"/other/alice@example.com/1.request"
	for _, key := range []string{kept, pruned} {
		n.write(n.alice, key, "request")
		n.arrives(n.bob, key, "request")
	}
	for _, key := range []string{kept, pruned} {
		n.remove(n.alice, key)
		n.until("deleted", func() bool { return !n.exists(n.bob, key) })
	}
	n.cycles(1)
	// The folder of the sender goes, too, that with a .syftkeep does not.
	if n.exists(n.bob, folder) || n.exists(n.bob, rpc+"/other") || !n.exists(n.bob, rpc+"/hello") {
		t.Errorf("sender %v, other %v, hello %v", n.exists(n.bob, folder), n.exists(n.bob, rpc+"/other"), n.exists(n.bob, rpc+"/hello"))
	}
	// An application's own removals prune nothing in its replica.
	if !n.exists(n.alice, folder) {
		t.Error("the folder at alice's has been pruned")
	}
}

// Of the pairs that a client has collected, some lose the response before the request.
func TestPairsAreRemovedInNoOrder(t *testing.T) {
	n := newNetwork(t, fakebox.Config{Seed: 1})
	n.watched(n.alice, folder)
	const pairs = 20
	names := func(i int) (request, response string) {
		return fmt.Sprintf("%s/%02d.request", folder, i), fmt.Sprintf("%s/%02d.response", folder, i)
	}
	for i := range pairs {
		for _, key := range pair(names(i)) {
			n.rename(n.alice, key, key)
			n.arrives(n.bob, key, key)
		}
	}
	for i := range pairs {
		for _, key := range pair(names(i)) {
			if err := os.Remove(n.alice.Path(key)); err != nil {
				t.Fatal(err)
			}
		}
	}
	removed := map[string]int{}
	n.until("all are removed at bob's", func() bool {
		clear(removed)
		for at, e := range n.box.Events() {
			if e.Actor == bobBox && e.Op == fakebox.OpRemove {
				removed[e.Path] = at
			}
		}
		return len(removed) == 2*pairs
	})
	responseFirst := 0
	for i := range pairs {
		if request, response := names(i); removed[response] < removed[request] {
			responseFirst++
		}
	}
	if responseFirst == 0 || responseFirst == pairs {
		t.Errorf("of %d pairs %d lose the response first", pairs, responseFirst)
	}
}

func pair(request, response string) []string { return []string{request, response} }

func TestDeleteOfTheServerTravels(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	key := folder + "/1.request"
	n.write(n.alice, key, "request")
	n.arrives(n.bob, key, "request")
	n.remove(n.bob, key)
	n.until("deleted", func() bool { return !n.exists(n.alice, key) })
	// And with it all folders above, which have become empty.
	if names := n.names(n.alice, "."); len(names) != 1 || names[0] != "alice@example.com" {
		t.Errorf("alice has the datasites %q", names)
	}
}

func TestRejected(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, rpc+"/hello")
	// The fast path, twice: the first marker is moved away.
	key := rpc + "/hello/1.request"
	for i := range 2 {
		n.write(n.alice, key, fmt.Sprint("no sender's folder ", i))
		n.until("rejected", func() bool { return !n.exists(n.alice, key) })
	}
	names := slices.DeleteFunc(n.names(n.alice, rpc+"/hello"), func(name string) bool { return !strings.HasPrefix(name, "1.") })
	if len(names) != 2 || !slices.Contains(names, "1.rejected.request") || !strings.HasPrefix(names[0], "1.rejected.20") || !strings.HasSuffix(names[0], ".request") {
		t.Errorf("names %q", names)
	}
	// The full synchronisation.
	n.write(n.alice, "bob@example.com/a.b.c.tar.gz", "x")
	n.write(n.alice, "bob@example.com/noext", "x")
	n.until("rejected", func() bool {
		return n.exists(n.alice, "bob@example.com/a.b.c.tar.rejected.gz") && n.exists(n.alice, "bob@example.com/noext.rejected.rejected")
	})
	n.cycles(1)
	if n.exists(n.bob, key) || n.exists(n.bob, rpc+"/hello/1.rejected.request") || n.exists(n.bob, "bob@example.com/noext") {
		t.Error("what was rejected has arrived")
	}
}

// The sender takes a file for synchronised a second after it has sent it, also one that
// was refused: the same bytes are then on neither side but recorded, and are deleted.
func TestRejectedBytesAreDeletedTheSecondTime(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, rpc+"/hello")
	cycles := n.alice.Cycles()
	n.until("a synchronisation", func() bool { return n.alice.Cycles() > cycles })
	key := rpc + "/hello/1.request"
	for range 2 {
		n.write(n.alice, key, "no sender's folder")
		n.clock.Advance(fakebox.JournalDelay + 2*fakebox.Debounce)
	}
	n.until("deleted", func() bool { return !n.exists(n.alice, key) })
	if rejected, removed := n.count(fakebox.OpReject, key), n.count(fakebox.OpRemove, key); rejected != 1 || removed != 1 {
		t.Errorf("rejected %d times, removed %d times, want 1 and 1", rejected, removed)
	}
}

func TestPermissionsDecide(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	carol := n.box.Join("carol@example.com")
	key := folder + "/1.response"
	n.write(n.bob, key, "for alice")
	n.arrives(n.alice, key, "for alice")
	n.write(n.alice, key, "changed by alice") // in her own folder
	n.arrives(n.bob, key, "changed by alice")
	before := carol.Cycles()
	n.until("carol's cycles", func() bool { return carol.Cycles() > before+1 })
	if n.exists(carol, key) {
		t.Error("carol reads alice's folder")
	}
	// An address that another begins with owns its datasite, too.
	prefix := n.box.Join("bob@example.co")
	n.write(prefix, rpc+"/hello/note.txt", "as bob")
	n.arrives(n.bob, rpc+"/hello/note.txt", "as bob")
}

func TestConflict(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.bob, folder)
	key := folder + "/1.response"
	n.write(n.bob, key, "first")
	n.arrives(n.alice, key, "first")
	n.alice.SetOnline(false)
	n.write(n.bob, key, "bob's")
	n.cycles(2)
	n.rename(n.alice, key, "alice's")
	n.alice.SetOnline(true)
	n.arrives(n.alice, key, "bob's")
	if got := n.read(n.alice, strings.Replace(key, ".response", ".conflict.response", 1)); got != "alice's" {
		t.Errorf("the conflict's file has %q", got)
	}
	if got := n.read(n.bob, key); got != "bob's" {
		t.Errorf("bob has %q", got)
	}
}

func TestOfflineAndBack(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	n.bob.SetOnline(false)
	key := folder + "/1.request"
	n.write(n.alice, key, "while bob is away")
	n.cycles(2)
	if n.exists(n.bob, key) {
		t.Fatal("it arrived all the same")
	}
	n.bob.SetOnline(true)
	n.arrives(n.bob, key, "while bob is away")
	if e := n.event("arrival", of(bobBox, fakebox.OpArrive, key)); e.Via != fakebox.ViaFullSync {
		t.Errorf("it came via %s", e.Via)
	}
}

// What never travels, and what does.
func TestNames(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	never := []string{
		"logs/alice@example.com/1.request", "dist/alice@example.com/1.request", "venv/alice@example.com/1.request",
		"Icon/alice@example.com/1.request", "x.conflict.y/alice@example.com/1.request", "a-syftconflict/alice@example.com/1.request",
		"hello/alice@example.com/1.rejected.request", "hello/alice@example.com/1.conflict.request", "hello/alice@example.com/1.tmp",
	}
	always := []string{
		"hello/alice@example.com/with space.request", "hello/alice@example.com/é a+b%20c&d=e?f#g.request",
		"hello/alice@example.com/.hidden.request", "hello/alice@example.com/y.tmp.response", "alice@example.com/no endpoint.request",
		"a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/alice@example.com/deep.request",
		"hello/alice@example.com/" + strings.Repeat("x", 222) + ".request",
	}
	if fakebox.TellsWritesFromRenames {
		always = append(always, "hello/alice@example.com/line\nbreak.request")
	}
	for _, key := range never {
		n.write(n.alice, rpc+"/"+key, "x")
	}
	n.write(n.alice, folder+"/empty.request", "")
	if err := os.Symlink("elsewhere", n.alice.Path(folder+"/link.request")); err != nil {
		t.Fatal(err)
	}
	for _, key := range always {
		n.write(n.alice, rpc+"/"+key, "x")
	}
	for _, key := range always {
		n.arrives(n.bob, rpc+"/"+key, "x")
	}
	n.cycles(2)
	for _, key := range append(never, "hello/alice@example.com/empty.request", "hello/alice@example.com/link.request") {
		if n.exists(n.bob, rpc+"/"+key) {
			t.Errorf("%s has arrived", key)
		}
	}
}

// The server tells everybody of a name that it then refuses: the file appears, and
// is deleted on both sides.
func TestRefusedNameAppearsAndGoes(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	key := folder + "/a..b.request"
	n.write(n.alice, key, "x")
	if fakebox.TellsWritesFromRenames {
		n.event("arrival", of(bobBox, fakebox.OpArrive, key))
	}
	n.until("gone", func() bool { return !n.exists(n.alice, key) && !n.exists(n.bob, key) })
}

func TestLegacyMarkersGoAtStart(t *testing.T) {
	box := fakebox.New(t, fakebox.Config{})
	bob := box.Join("bob@example.com")
	name := bob.Path("bob@example.com/1.syftrejected.request")
	if err := os.WriteFile(name, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := box.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); err == nil {
		t.Error("it is still there")
	}
}

// A cycle brings files in place, if the network is as that of the released client.
func TestDownloadInPlace(t *testing.T) {
	n := newNetwork(t, fakebox.Config{Download: fakebox.Delivery{
		Mode: fakebox.BlobStoreInPlace, ChunkSize: 4, Pause: 20 * time.Millisecond,
	}})
	key := folder + "/note.response"
	n.rename(n.bob, key, "half and half")
	seen := map[string]bool{}
	n.until("the whole", func() bool {
		seen[n.read(n.alice, key)] = true
		return seen["half and half"]
	})
	if !seen["half"] {
		t.Errorf("seen %v", seen)
	}
}

func (n *network) names(r *fakebox.Replica, key string) []string {
	n.Helper()
	entries, err := os.ReadDir(r.Path(key))
	if err != nil {
		n.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
