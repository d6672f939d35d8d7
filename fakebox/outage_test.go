package fakebox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

func (n *network) do(what string, err error) {
	n.Helper()
	if err != nil {
		n.Fatalf("%s: %v", what, err)
	}
}

// via returns how the last arrival of a file came.
func (n *network) via(actor, key string) string {
	n.Helper()
	via := ""
	for _, e := range n.box.Events() {
		if of(actor, fakebox.OpArrive, key)(e) {
			via = e.Via
		}
	}
	return via
}

// While SyftBox is stopped on a machine nothing comes and nothing goes; what was
// written meanwhile goes and comes with the first synchronisation after its start,
// and then folders are watched.
func TestStopAndStart(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	n.watched(n.bob, folder)
	old := folder + "/0.request"
	n.write(n.alice, old, "before")
	n.arrives(n.bob, old, "before")
	n.clock.Advance(2 * time.Second)
	before := n.stat(n.bob, old)
	n.do("stop", n.bob.Stop())

	request, response := folder+"/1.request", folder+"/1.response"
	n.write(n.alice, request, "while bob's is stopped")
	n.write(n.bob, response, "while bob's is stopped")
	n.clock.Advance(time.Minute)
	if n.exists(n.bob, request) || n.exists(n.alice, response) {
		t.Error("something came or went while SyftBox was stopped")
	}
	n.do("start", n.bob.Start())
	if via := n.via(bobBox, request); via != fakebox.ViaFullSync {
		t.Errorf("the request came via %q", via)
	}
	n.arrives(n.alice, response, "while bob's is stopped")
	if via := n.via(aliceBox, response); via != fakebox.ViaFullSync {
		t.Errorf("the response came via %q", via)
	}
	if after := n.stat(n.bob, old); !after.ModTime().Equal(before.ModTime()) {
		t.Error("an old file was written again")
	}
	n.write(n.bob, folder+"/2.response", "now")
	n.clock.Advance(2 * fakebox.Debounce)
	if got := n.read(n.alice, folder+"/2.response"); got != "now" {
		t.Errorf("the fast path has brought %q", got)
	}
}

// What was sent in the second before a stop is not recorded: it becomes a conflict.
func TestStopRightAfterSending(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	old, key := folder+"/0.request", folder+"/1.request"
	n.write(n.alice, old, "x")
	n.arrives(n.bob, old, "x")
	n.cycles(1)
	n.write(n.alice, key, "x")
	n.arrives(n.bob, key, "x")
	n.do("stop", n.alice.Stop())
	n.clock.Advance(time.Second)
	n.do("start", n.alice.Start())
	if n.exists(n.alice, key) || !n.exists(n.alice, strings.Replace(key, ".request", ".conflict.request", 1)) {
		t.Error("there is no conflict")
	}
	if !n.exists(n.alice, old) {
		t.Error("what was recorded before has not survived")
	}
	n.arrives(n.alice, key, "x")
	if !n.exists(n.bob, key) {
		t.Error("it is gone at bob's")
	}
}

// A stop leaves what is being written as it is.
func TestStopWhileDownloading(t *testing.T) {
	n := newNetwork(t, fakebox.Config{Download: fakebox.Delivery{Mode: fakebox.BlobStoreInPlace, ChunkSize: 4, Pause: time.Second}})
	key := folder + "/note.request"
	n.rename(n.alice, key, "half and half")
	n.until("the first chunk", func() bool { return n.exists(n.bob, key) })
	n.do("stop", n.bob.Stop())
	n.clock.Advance(time.Minute)
	if got := n.read(n.bob, key); got != "half" {
		t.Errorf("the file has %q", got)
	}
}

func TestStopAndStartRefuse(t *testing.T) {
	box, err := fakebox.Open(filepath.Join(t.TempDir(), "box"), fakebox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	bob := box.Join("bob@example.com")
	refuses := func(what string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	refuses("start before the network", bob.Start(), "start client of bob@example.com: network is not started")
	refuses("stop before the network", bob.Stop(), "not running")
	refuses("start the server", box.StartServer(), "already running")
	if err := box.StopServer(); err != nil {
		t.Fatal(err)
	}
	refuses("stop the server twice", box.StopServer(), "not running")
	refuses("start without a server", box.Start(), "server unreachable")
	refuses("again", bob.Start(), "server unreachable")
	if err := box.StartServer(); err != nil {
		t.Fatal(err)
	}
	if err := bob.Start(); err != nil {
		t.Fatal(err)
	}
	refuses("start twice", bob.Start(), "already running")
	if err := bob.Stop(); err != nil {
		t.Fatal(err)
	}
	refuses("deliver", bob.Deliver("note.txt", []byte("x"), fakebox.Delivery{}), "is stopped")
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	refuses("start in a closed network", bob.Start(), "closed")
	refuses("the server of a closed network", box.StartServer(), "closed")
}

// While the server is stopped fast messages fail and synchronisations fail; afterwards
// everything goes with a synchronisation, and the clients connect again.
func TestServerStopsAndStarts(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	before := folder + "/0.request"
	n.write(n.alice, before, "x")
	n.arrives(n.bob, before, "x")
	n.clock.Advance(2 * time.Second)
	n.do("stop", n.box.StopServer())
	key := folder + "/1.request"
	n.write(n.alice, key, "while it is stopped")
	n.event("a failure of the fast path", func(e fakebox.Event) bool {
		return e.Op == fakebox.OpError && e.Path == key && e.Via == fakebox.ViaFast
	})
	n.event("a failure of bob's synchronisation", func(e fakebox.Event) bool {
		return e.Op == fakebox.OpError && e.Actor == bobBox && e.Via == fakebox.ViaFullSync
	})
	n.clock.Advance(time.Minute)
	if n.exists(n.bob, key) || !n.exists(n.alice, key) || !n.exists(n.bob, before) {
		t.Error("something has come or gone")
	}
	recorder := httptest.NewRecorder()
	n.box.Gateway().ServeHTTP(recorder, httptest.NewRequest("POST", query(), nil))
	if recorder.Code != http.StatusServiceUnavailable {
		t.Errorf("the gateway answers with status %d", recorder.Code)
	}
	n.do("start", n.box.StartServer())
	started := n.clock.Now()
	n.arrives(n.bob, key, "while it is stopped")
	if via := n.via(bobBox, key); via != fakebox.ViaFullSync {
		t.Errorf("it came via %q", via)
	}
	// Not later than the longest pause between two attempts to connect.
	n.clock.Advance(fakebox.MaxReconnectDelay*5/4 - n.clock.Now().Sub(started) + 10*time.Millisecond)
	n.write(n.alice, folder+"/2.request", "now")
	n.clock.Advance(2 * fakebox.Debounce)
	if via := n.via(bobBox, folder+"/2.request"); via != fakebox.ViaFast {
		t.Errorf("what was written afterwards came via %q", via)
	}
}

// A server that stops loses what it has in hand: the sender's file is deleted.
func TestServerLosesWhatItHasInHand(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.event("the message", of(aliceBox, fakebox.OpSend, key))
	n.do("stop", n.box.StopServer())
	n.clock.Advance(2 * fakebox.JournalDelay)
	n.do("start", n.box.StartServer())
	n.until("it is deleted", func() bool { return !n.exists(n.alice, key) })
	if n.exists(n.bob, key) {
		t.Error("it has arrived")
	}
}

// A file that has failed three times is ignored by the synchronisation, until the
// fast path brings it or SyftBox is started again.
func TestThreeErrorsMakeAFileIgnored(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	n.do("stop", n.box.StopServer())
	twice, thrice, again := folder+"/twice.request", folder+"/thrice.request", folder+"/again.request"
	for i := range 3 {
		if i < 2 {
			n.write(n.alice, twice, fmt.Sprint(i))
		}
		n.write(n.alice, thrice, fmt.Sprint(i))
		n.write(n.alice, again, fmt.Sprint(i))
		n.clock.Advance(2 * fakebox.Debounce)
	}
	n.do("start", n.box.StartServer())
	n.arrives(n.bob, twice, "1")
	n.clock.Advance(time.Minute)
	if n.exists(n.bob, thrice) || n.exists(n.bob, again) {
		t.Error("a file that has failed three times has arrived")
	}
	n.write(n.alice, again, "once more")
	n.clock.Advance(2 * fakebox.Debounce)
	if got := n.read(n.bob, again); got != "once more" {
		t.Errorf("the fast path has brought %q", got)
	}
	n.do("stop", n.alice.Stop())
	n.do("start", n.alice.Start())
	n.arrives(n.bob, thrice, "2")
}

// What an application deletes that it may not delete comes back.
func TestForbiddenDeleteComesBack(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	rules := "rules:\n- pattern: '**'\n  access:\n    read: ['*']\n    write: []\n"
	note := "bob@example.com/public/note.txt"
	n.write(n.bob, "bob@example.com/public/syft.pub.yaml", rules)
	n.write(n.bob, note, "x")
	n.arrives(n.alice, note, "x")
	n.remove(n.alice, note)
	n.event("the refusal", of(fakebox.Hub, fakebox.OpRefuse, note))
	n.arrives(n.alice, note, "x")
	if !n.exists(n.bob, note) {
		t.Error("it is gone at bob's")
	}
}

// A file that is not yet 50 ms old may go with the full synchronisation that begins
// then; the fast path finds it sent.
func TestFullSynchronisationTakesWhatIsDebounced(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	cycles := n.alice.Cycles()
	n.until("a synchronisation", func() bool { return n.alice.Cycles() > cycles })
	n.clock.Advance(fakebox.CycleTime - fakebox.Debounce/2)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.cycles(1)
	if e := n.event("the upload", of(aliceBox, fakebox.OpUpload, key)); n.count(fakebox.OpSend, key) != 0 {
		t.Errorf("%v, and it was sent", e)
	}
}
