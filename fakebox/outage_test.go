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

// via returns the [fakebox.Event.Via] of the last arrival of a file.
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

// The first full sync after a start carries what was written meanwhile, in both
// directions. Then the fast path works again.
func TestRestartSyncsMissedFiles(t *testing.T) {
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
	n.write(n.alice, request, "while bob's client is stopped")
	n.write(n.bob, response, "while bob's client is stopped")
	n.clock.Advance(time.Minute)
	if n.exists(n.bob, request) || n.exists(n.alice, response) {
		t.Error("a file was synced while the client was stopped")
	}
	n.do("start", n.bob.Start())
	if via := n.via(bobBox, request); via != fakebox.ViaFullSync {
		t.Errorf("the request arrived via %q, want full-sync", via)
	}
	n.arrives(n.alice, response, "while bob's client is stopped")
	if via := n.via(aliceBox, response); via != fakebox.ViaFullSync {
		t.Errorf("the response arrived via %q, want full-sync", via)
	}
	if after := n.stat(n.bob, old); !after.ModTime().Equal(before.ModTime()) {
		t.Error("the restart rewrote an old file")
	}
	n.write(n.bob, folder+"/2.response", "now")
	n.clock.Advance(2 * fakebox.Debounce)
	if got := n.read(n.alice, folder+"/2.response"); got != "now" {
		t.Errorf("the fast path delivered %q", got)
	}
}

// A file that was sent in the second before a stop has no record.
func TestStopAfterSendCausesConflict(t *testing.T) {
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
		t.Error("no conflict")
	}
	if !n.exists(n.alice, old) {
		t.Error("a recorded file did not survive")
	}
	n.arrives(n.alice, key, "x")
	if !n.exists(n.bob, key) {
		t.Error("bob's file was deleted")
	}
}

func TestStopLeavesIncompleteDownload(t *testing.T) {
	n := newNetwork(t, fakebox.Config{Download: fakebox.Delivery{Mode: fakebox.BlobStoreInPlace, ChunkSize: 4, Pause: time.Second}})
	key := folder + "/note.request"
	n.rename(n.alice, key, "half and half")
	n.until("the first chunk", func() bool { return n.exists(n.bob, key) })
	n.do("stop", n.bob.Stop())
	n.clock.Advance(time.Minute)
	if got := n.read(n.bob, key); got != "half" {
		t.Errorf("got content %q, want \"half\"", got)
	}
}

func TestStartStopErrors(t *testing.T) {
	box, err := fakebox.Open(filepath.Join(t.TempDir(), "box"), fakebox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	bob := box.Join("bob@example.com")
	fails := func(what string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q", what, err, want)
		}
	}
	fails("start client before network", bob.Start(), "start client of bob@example.com: network is not started")
	fails("stop client before network", bob.Stop(), "not running")
	fails("start running server", box.StartServer(), "already running")
	if err := box.StopServer(); err != nil {
		t.Fatal(err)
	}
	fails("stop server twice", box.StopServer(), "not running")
	fails("start network without server", box.Start(), "server unreachable")
	fails("start client without server", bob.Start(), "server unreachable")
	if err := box.StartServer(); err != nil {
		t.Fatal(err)
	}
	if err := bob.Start(); err != nil {
		t.Fatal(err)
	}
	fails("start client twice", bob.Start(), "already running")
	if err := bob.Stop(); err != nil {
		t.Fatal(err)
	}
	fails("deliver to stopped client", bob.Deliver("note.txt", []byte("x"), fakebox.Delivery{}), "is stopped")
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	fails("start client in closed network", bob.Start(), "closed")
	fails("start server of closed network", box.StartServer(), "closed")
}

// While the server is stopped, fast messages and full syncs fail. Afterwards a full sync
// carries what was missed, and the clients reconnect.
func TestServerRestart(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	before := folder + "/0.request"
	n.write(n.alice, before, "x")
	n.arrives(n.bob, before, "x")
	n.clock.Advance(2 * time.Second)
	n.do("stop", n.box.StopServer())
	key := folder + "/1.request"
	n.write(n.alice, key, "while it is stopped")
	n.event("the fast path fails", func(e fakebox.Event) bool {
		return e.Op == fakebox.OpError && e.Path == key && e.Via == fakebox.ViaFast
	})
	n.event("bob's full sync fails", func(e fakebox.Event) bool {
		return e.Op == fakebox.OpError && e.Actor == bobBox && e.Via == fakebox.ViaFullSync
	})
	n.clock.Advance(time.Minute)
	if n.exists(n.bob, key) || !n.exists(n.alice, key) || !n.exists(n.bob, before) {
		t.Error("a file was synced or deleted")
	}
	recorder := httptest.NewRecorder()
	n.box.Gateway().ServeHTTP(recorder, httptest.NewRequest("POST", query(), nil))
	if recorder.Code != http.StatusServiceUnavailable {
		t.Errorf("gateway: status %d, want 503", recorder.Code)
	}
	n.do("start", n.box.StartServer())
	started := n.clock.Now()
	n.arrives(n.bob, key, "while it is stopped")
	if via := n.via(bobBox, key); via != fakebox.ViaFullSync {
		t.Errorf("the file arrived via %q, want full-sync", via)
	}
	// By now the longest pause between two attempts to connect is over.
	n.clock.Advance(fakebox.MaxReconnectDelay*5/4 - n.clock.Now().Sub(started) + 10*time.Millisecond)
	n.write(n.alice, folder+"/2.request", "now")
	n.clock.Advance(2 * fakebox.Debounce)
	if via := n.via(bobBox, folder+"/2.request"); via != fakebox.ViaFast {
		t.Errorf("a later file arrived via %q, want fast", via)
	}
}

// The file of a lost message is deleted at its sender's.
func TestServerStopLosesQueuedMessages(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.event("the message is sent", of(aliceBox, fakebox.OpSend, key))
	n.do("stop", n.box.StopServer())
	if n.count(fakebox.OpLose, key) != 1 {
		t.Error("the journal does not have the loss")
	}
	n.clock.Advance(2 * fakebox.JournalDelay)
	n.do("start", n.box.StartServer())
	n.until("the file is deleted", func() bool { return !n.exists(n.alice, key) })
	if n.exists(n.bob, key) {
		t.Error("the file arrived")
	}
}

// The full sync ignores a file that has failed three times, until the fast path sends it or
// the client is restarted.
func TestIgnoresFileAfterThreeErrors(t *testing.T) {
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
		t.Error("a file that failed three times arrived")
	}
	n.write(n.alice, again, "once more")
	n.clock.Advance(2 * fakebox.Debounce)
	if got := n.read(n.bob, again); got != "once more" {
		t.Errorf("the fast path delivered %q", got)
	}
	n.do("stop", n.alice.Stop())
	n.do("start", n.alice.Start())
	n.arrives(n.bob, thrice, "2")
}

func TestRestoresForbiddenDeletion(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	rules := "rules:\n- pattern: '**'\n  access:\n    read: ['*']\n    write: []\n"
	note := "bob@example.com/public/note.txt"
	n.write(n.bob, "bob@example.com/public/syft.pub.yaml", rules)
	n.write(n.bob, note, "x")
	n.arrives(n.alice, note, "x")
	n.remove(n.alice, note)
	n.event("the server refuses the deletion", of(fakebox.Hub, fakebox.OpRefuse, note))
	n.arrives(n.alice, note, "x")
	if !n.exists(n.bob, note) {
		t.Error("bob's file was deleted")
	}
}

// A full sync that begins before the fast path sends a file uploads it, and the fast path
// does not send it again.
func TestFullSyncTakesDebouncedFile(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	cycles := n.alice.Cycles()
	n.until("a full sync", func() bool { return n.alice.Cycles() > cycles })
	n.clock.Advance(fakebox.CycleTime - fakebox.Debounce/2)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.cycles(1)
	if e := n.event("the upload", of(aliceBox, fakebox.OpUpload, key)); n.count(fakebox.OpSend, key) != 0 {
		t.Errorf("the file was sent in addition to %v", e)
	}
}
