package fakebox_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

// Files that the server's queue cannot hold are lost, and deleted at their sender's.
// TestQueueDropsOverflow has the measured numbers.
func TestBurstOverflowsQueue(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.write(n.bob, folder+"/.syftkeep", "")
	n.watched(n.bob, folder)
	const count, want = 40, 9
	key := func(i int) string { return fmt.Sprintf("%s/%02d.response", folder, i) }
	for i := range count {
		n.write(n.bob, key(i), fmt.Sprint("response ", i))
	}
	n.until("all files arrive or are lost", func() bool {
		return n.count(fakebox.OpArrive, ".response")+n.count(fakebox.OpLose, ".response") == count
	})
	if got := n.count(fakebox.OpSend, ".response"); got != count {
		t.Errorf("sent %d messages, want %d", got, count)
	}
	lost := map[string]bool{}
	for _, e := range n.box.Events() {
		if e.Op == fakebox.OpLose {
			lost[e.Path] = true
		}
	}
	if len(lost) != want {
		t.Errorf("lost %d files, want %d", len(lost), want)
	}
	n.until("the lost files are deleted", func() bool { return n.count(fakebox.OpRemove, ".response") == len(lost) })
	n.cycles(1)
	for i := range count {
		if n.exists(n.bob, key(i)) == lost[key(i)] || n.exists(n.alice, key(i)) == lost[key(i)] {
			t.Errorf("file %d, lost %v: bob has it %v, alice has it %v", i, lost[key(i)], n.exists(n.bob, key(i)), n.exists(n.alice, key(i)))
		}
	}
}

// Files that are modified 5 ms apart, on both sides, are not lost.
func TestPacedFilesArrive(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	n.watched(n.bob, folder)
	const count = 150
	for i := range count {
		n.write(n.alice, fmt.Sprintf("%s/%d.request", folder, i), "request")
		n.write(n.bob, fmt.Sprintf("%s/%d.response", folder, i), "response")
		n.clock.Advance(5 * time.Millisecond)
	}
	n.cycles(2)
	for _, suffix := range []string{".request", ".response"} {
		lost, arrived := n.count(fakebox.OpLose, suffix), n.count(fakebox.OpArrive, suffix)
		if lost != 0 || arrived != count {
			t.Errorf("%s: %d lost, %d of %d arrived", suffix, lost, arrived, count)
		}
	}
}

// count returns the number of events with an operation, for paths with a suffix.
func (n *network) count(op fakebox.Op, suffix string) int {
	count := 0
	for _, e := range n.box.Events() {
		if e.Op == op && strings.HasSuffix(e.Path, suffix) {
			count++
		}
	}
	return count
}

func TestLosesMessagesInDeadZone(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.write(n.alice, folder+"/.syftkeep", "")
	n.watched(n.alice, folder)
	for _, test := range []struct {
		size int
		via  string // "" means lost
	}{
		// Measured. The first fits into a message, the next three do not, and the
		// last is too large for the fast path.
		{3_004_009, fakebox.ViaFast}, {3_167_849, ""}, {3_277_073, ""}, {4_096_273, ""}, {8_388_881, fakebox.ViaFullSync},
	} {
		key := fmt.Sprintf("%s/%d.request", folder, test.size)
		n.write(n.alice, key, strings.Repeat("x", test.size))
		if test.via == "" {
			n.until("the file is deleted", func() bool { return !n.exists(n.alice, key) })
			if n.exists(n.bob, key) {
				t.Errorf("%d bytes arrived, want lost", test.size)
			}
			continue
		}
		n.until("arrival", func() bool { return n.exists(n.bob, key) })
		if e := n.event("arrival", of(bobBox, fakebox.OpArrive, key)); e.Via != test.via && fakebox.DistinguishesRenames {
			t.Errorf("%d bytes arrived via %s, want %s", test.size, e.Via, test.via)
		}
	}
}

// A message that is too large breaks the connection for a second. Files written then are
// left to the full sync.
func TestReconnects(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	if err := n.box.FailNext(fakebox.DeadZone, 1); err != nil {
		t.Fatal(err)
	}
	n.write(n.alice, folder+"/1.request", "x")
	n.event("the message is lost", of(fakebox.Hub, fakebox.OpLose, folder+"/1.request"))
	for _, test := range []struct{ name, via string }{{"2", fakebox.ViaFullSync}, {"3", fakebox.ViaFast}} {
		key := folder + "/" + test.name + ".request"
		n.write(n.alice, key, "x")
		n.arrives(n.bob, key, "x")
		if e := n.event("arrival", of(bobBox, fakebox.OpArrive, key)); e.Via != test.via {
			t.Errorf("file %s arrived via %s, want %s", test.name, e.Via, test.via)
		}
	}
}

// The full sync delivers the files of the lost messages.
func TestDisconnectLosesMessagesUnderWay(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.event("the message is sent", of(aliceBox, fakebox.OpSend, key))
	n.clock.Advance(fakebox.ServeTime) // the server has relayed it
	if n.exists(n.bob, key) {
		t.Fatal("the file arrived too early")
	}
	n.bob.SetOnline(false)
	n.bob.SetOnline(true)
	n.clock.Advance(fakebox.ReconnectDelay)
	if n.exists(n.bob, key) {
		t.Error("the file arrived over a broken connection")
	}
	n.arrives(n.bob, key, "x")
	if via := n.via(bobBox, key); via != fakebox.ViaFullSync {
		t.Errorf("the file arrived via %s, want full-sync", via)
	}
}

// Within a second the same bytes are delivered again, later they are not. Other bytes
// always are.
func TestRewriteOfSameBytes(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	key := folder + "/1.request"
	arrivals := func() int { return n.count(fakebox.OpArrive, "/1.request") }
	n.write(n.alice, key, "same")
	n.until("arrival", func() bool { return arrivals() == 1 })
	first := n.stat(n.bob, key)
	n.clock.Advance(fakebox.JournalDelay - 2*fakebox.Debounce)
	n.write(n.alice, key, "same")
	n.until("second arrival", func() bool { return arrivals() == 2 })
	if os.SameFile(first, n.stat(n.bob, key)) {
		t.Error("the second delivery did not replace the file")
	}
	n.clock.Advance(fakebox.JournalDelay)
	n.write(n.alice, key, "same")
	now := time.Now()
	if err := os.Chtimes(n.alice.Path(key), now, now); err != nil {
		t.Fatal(err)
	}
	n.cycles(2)
	if arrivals() != 2 {
		t.Errorf("%d arrivals after a late rewrite and a touch, want 2", arrivals())
	}
	n.write(n.alice, key, "other")
	n.arrives(n.bob, key, "other")
}

// Several modifications lead to one message, 50 ms after the last one.
func TestDebouncesModifications(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	key := folder + "/1.request"
	for i := range 5 {
		n.write(n.alice, key, fmt.Sprint(i))
		n.clock.Advance(fakebox.Debounce - time.Millisecond)
	}
	if got := n.count(fakebox.OpSend, "/1.request"); got != 0 {
		t.Errorf("sent %d messages before the last modification was 50 ms old", got)
	}
	n.arrives(n.bob, key, "4")
	if got := n.count(fakebox.OpSend, "/1.request"); got != 1 {
		t.Errorf("sent %d messages, want 1", got)
	}
}

func TestFastArrivalIsNotDownloadedAgain(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.arrives(n.bob, key, "x")
	n.cycles(2)
	if count := n.count(fakebox.OpArrive, "/1.request"); count != 1 {
		t.Errorf("%d arrivals, want 1", count)
	}
}

// The client considers the first modification within a second after an arrival its own, and
// leaves it to the full sync.
func TestIgnoresFirstModificationAfterArrival(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	n.watched(n.bob, folder)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.arrives(n.bob, key, "x")
	n.write(n.bob, key, "first")
	n.clock.Advance(10 * fakebox.Debounce)
	if got := n.count(fakebox.OpSend, key); got != 1 && fakebox.DistinguishesRenames { // alice's
		t.Error("the first modification was sent by the fast path")
	}
	n.write(n.bob, key, "second")
	n.clock.Advance(2 * fakebox.Debounce)
	if got := n.read(n.alice, key); got != "second" {
		t.Errorf("alice has %q, want the second modification", got)
	}
}

func TestSendsEmptiedFile(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.arrives(n.bob, key, "x")
	n.clock.Advance(2 * fakebox.JournalDelay)
	n.write(n.alice, key, "")
	n.clock.Advance(2 * fakebox.Debounce)
	if info := n.stat(n.bob, key); info.Size() != 0 {
		t.Errorf("bob's file has %d bytes, want 0", info.Size())
	}
}

// A file that arrives while the server's list is under way is removed, because the list
// lacks it, and then downloaded again.
func TestSlowViewRemovesNewFile(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	const latency = 400 * time.Millisecond
	n.box.SetViewLatency(latency)
	cycles := n.bob.Cycles()
	n.until("bob's next full sync", func() bool { return n.bob.Cycles() > cycles })
	// Just after the next full sync has requested the list.
	n.clock.Advance(fakebox.CycleTime + 10*time.Millisecond)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.arrives(n.bob, key, "x")
	n.until("the file vanishes", func() bool { return !n.exists(n.bob, key) })
	n.event("removal", of(bobBox, fakebox.OpRemove, key))
	n.arrives(n.bob, key, "x")
	if info := n.stat(n.bob, key); fakebox.DistinguishesRenames && info.Mode().Perm() != 0o644 {
		t.Errorf("the file came back with mode %v, want 0644", info.Mode())
	}
	if !n.exists(n.alice, key) {
		t.Error("alice's file was deleted")
	}
}

// A file that arrives, and that the application deletes, while the server's list is under
// way comes back, because its record is dropped.
func TestSlowViewRestoresDeletedFile(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	n.box.SetViewLatency(400 * time.Millisecond)
	cycles := n.bob.Cycles()
	n.until("bob's next full sync", func() bool { return n.bob.Cycles() > cycles })
	n.clock.Advance(fakebox.CycleTime + 10*time.Millisecond)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.arrives(n.bob, key, "x")
	n.remove(n.bob, key)
	n.until("the file comes back", func() bool { return n.exists(n.bob, key) })
	if e := n.box.Events()[len(n.box.Events())-1]; e.Op != fakebox.OpArrive || e.Via != fakebox.ViaFullSync {
		t.Errorf("last event %v, want an arrival via full-sync", e)
	}
}

// A list of files that the server creates after relaying a file may lack it.
func TestServerRelaysBeforeStoring(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.until("arrival", func() bool { return n.exists(n.bob, key) })
	caller := n.box.Join("bob@example.co") // may read all of bob's files, and syncs now
	if n.exists(caller, key) {
		t.Error("the server stored the file before relaying it")
	}
	cycles := caller.Cycles()
	n.until("the next full sync", func() bool { return caller.Cycles() > cycles })
	if !n.exists(caller, key) {
		t.Error("the server did not store the file")
	}
}
