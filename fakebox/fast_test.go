package fakebox_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

// Forty files, modified at once: those that the server's queue cannot hold are lost,
// and deleted at their writer's. TestQueueLosesWhatItCannotHold has the numbers.
func TestBurstLosesWhatTheQueueCannotHold(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.write(n.bob, folder+"/.syftkeep", "")
	n.watched(n.bob, folder)
	const count, want = 40, 9
	key := func(i int) string { return fmt.Sprintf("%s/%02d.response", folder, i) }
	for i := range count {
		n.write(n.bob, key(i), fmt.Sprint("response ", i))
	}
	n.until("all have arrived or are lost", func() bool {
		return n.count(fakebox.OpArrive, ".response")+n.count(fakebox.OpLose, ".response") == count
	})
	if got := n.count(fakebox.OpSend, ".response"); got != count {
		t.Errorf("%d messages were sent, want %d", got, count)
	}
	lost := map[string]bool{}
	for _, e := range n.box.Events() {
		if e.Op == fakebox.OpLose {
			lost[e.Path] = true
		}
	}
	if len(lost) != want {
		t.Errorf("%d files are lost, want %d", len(lost), want)
	}
	// They are deleted where they were written; the others have arrived.
	n.until("the lost are deleted", func() bool { return n.count(fakebox.OpRemove, ".response") == len(lost) })
	n.cycles(1)
	for i := range count {
		if n.exists(n.bob, key(i)) == lost[key(i)] || n.exists(n.alice, key(i)) == lost[key(i)] {
			t.Errorf("file %d, lost %v: at bob's %v, at alice's %v", i, lost[key(i)], n.exists(n.bob, key(i)), n.exists(n.alice, key(i)))
		}
	}
}

// Files that both sides modify 5 ms apart all arrive at once.
func TestPacedFilesAllArrive(t *testing.T) {
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
			t.Errorf("%s: %d lost, %d of %d have arrived", suffix, lost, arrived, count)
		}
	}
}

// count returns how many events there are of files with the suffix.
func (n *network) count(op fakebox.Op, suffix string) int {
	count := 0
	for _, e := range n.box.Events() {
		if e.Op == op && strings.HasSuffix(e.Path, suffix) {
			count++
		}
	}
	return count
}

func TestDeadZone(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.write(n.alice, folder+"/.syftkeep", "")
	n.watched(n.alice, folder)
	for _, test := range []struct {
		size int
		via  string // "": lost
	}{
		// Measured. The first still fits; the next three are lost; the last is too
		// large to be tried.
		{3_004_009, fakebox.ViaFast}, {3_167_849, ""}, {3_277_073, ""}, {4_096_273, ""}, {8_388_881, fakebox.ViaFullSync},
	} {
		key := fmt.Sprintf("%s/%d.request", folder, test.size)
		n.write(n.alice, key, strings.Repeat("x", test.size))
		if test.via == "" {
			n.until("lost and deleted", func() bool { return !n.exists(n.alice, key) })
			if n.exists(n.bob, key) {
				t.Errorf("%d bytes have arrived", test.size)
			}
			continue
		}
		n.until("arrival", func() bool { return n.exists(n.bob, key) })
		if e := n.event("arrival", of(bobBox, fakebox.OpArrive, key)); e.Via != test.via && fakebox.TellsWritesFromRenames {
			t.Errorf("%d bytes came via %s, want %s", test.size, e.Via, test.via)
		}
	}
}

// Without a connection, which a message that is too large breaks for a second, a
// file is not lost: it goes with the full synchronisation.
func TestBrokenConnectionComesBack(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	if err := n.box.FailNext(fakebox.DeadZone, 1); err != nil {
		t.Fatal(err)
	}
	n.write(n.alice, folder+"/1.request", "x")
	n.event("the loss", of(fakebox.Hub, fakebox.OpLose, folder+"/1.request"))
	for _, test := range []struct{ name, via string }{{"2", fakebox.ViaFullSync}, {"3", fakebox.ViaFast}} {
		key := folder + "/" + test.name + ".request"
		n.write(n.alice, key, "x")
		n.arrives(n.bob, key, "x")
		if e := n.event("arrival", of(bobBox, fakebox.OpArrive, key)); e.Via != test.via {
			t.Errorf("file %s came via %s, want %s", test.name, e.Via, test.via)
		}
	}
}

// A message that is on its way when the receiver's connection breaks is lost, and the
// file comes with the full synchronisation.
func TestBrokenConnectionLosesWhatIsOnItsWay(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.event("the message", of(aliceBox, fakebox.OpSend, key))
	n.clock.Advance(fakebox.ServeTime) // the server has passed it on
	if n.exists(n.bob, key) {
		t.Fatal("it has arrived already")
	}
	n.bob.SetOnline(false)
	n.bob.SetOnline(true)
	n.clock.Advance(fakebox.ReconnectDelay)
	if n.exists(n.bob, key) {
		t.Error("it has arrived by a connection that is broken")
	}
	n.arrives(n.bob, key, "x")
	if via := n.via(bobBox, key); via != fakebox.ViaFullSync {
		t.Errorf("it came via %s", via)
	}
}

// The same bytes are pushed again within a second, and not later; other bytes
// replace the file.
func TestWrittenAgain(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	key := folder + "/1.request"
	arrivals := func() int { return n.count(fakebox.OpArrive, "/1.request") }
	n.write(n.alice, key, "same")
	n.until("arrival", func() bool { return arrivals() == 1 })
	first := n.stat(n.bob, key)
	n.clock.Advance(fakebox.JournalDelay - 2*fakebox.Debounce)
	n.write(n.alice, key, "same")
	n.until("pushed again", func() bool { return arrivals() == 2 })
	if os.SameFile(first, n.stat(n.bob, key)) {
		t.Error("the file is the same")
	}
	n.clock.Advance(fakebox.JournalDelay)
	n.write(n.alice, key, "same")
	now := time.Now()
	if err := os.Chtimes(n.alice.Path(key), now, now); err != nil {
		t.Fatal(err)
	}
	n.cycles(2)
	if arrivals() != 2 {
		t.Errorf("the same bytes, and a touch, were pushed: %d arrivals", arrivals())
	}
	n.write(n.alice, key, "other")
	n.arrives(n.bob, key, "other")
}

// Of several modifications the last counts, 50 ms after it.
func TestDebounce(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	key := folder + "/1.request"
	for i := range 5 {
		n.write(n.alice, key, fmt.Sprint(i))
		n.clock.Advance(fakebox.Debounce - time.Millisecond)
	}
	if got := n.count(fakebox.OpSend, "/1.request"); got != 0 {
		t.Errorf("%d messages were sent before the last modification was 50 ms old", got)
	}
	n.arrives(n.bob, key, "4")
	if got := n.count(fakebox.OpSend, "/1.request"); got != 1 {
		t.Errorf("%d messages were sent", got)
	}
}

// What came by the fast path is not downloaded again.
func TestFastArrivalIsJournalled(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.arrives(n.bob, key, "x")
	n.cycles(2)
	if count := n.count(fakebox.OpArrive, "/1.request"); count != 1 {
		t.Errorf("%d arrivals", count)
	}
}

// The first modification of a file within a second after its arrival is taken for
// the client's own: it goes with the full synchronisation.
func TestModifiedRightAfterArrival(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	n.watched(n.bob, folder)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.arrives(n.bob, key, "x")
	n.write(n.bob, key, "first")
	n.clock.Advance(10 * fakebox.Debounce)
	if got := n.count(fakebox.OpSend, key); got != 1 && fakebox.TellsWritesFromRenames { // alice's
		t.Error("the first modification was sent")
	}
	n.write(n.bob, key, "second")
	n.clock.Advance(2 * fakebox.Debounce)
	if got := n.read(n.alice, key); got != "second" {
		t.Errorf("alice has %q, want the second modification", got)
	}
}

// A file that is emptied travels empty by the fast path, and not by a full
// synchronisation.
func TestEmptiedFileTravels(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.arrives(n.bob, key, "x")
	n.clock.Advance(2 * fakebox.JournalDelay)
	n.write(n.alice, key, "")
	n.clock.Advance(2 * fakebox.Debounce)
	if info := n.stat(n.bob, key); info.Size() != 0 {
		t.Errorf("bob's file has %d bytes", info.Size())
	}
}

// A list of files that is long on its way makes a file vanish that came meanwhile.
func TestSlowViewMakesFilesVanish(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	const latency = 400 * time.Millisecond
	n.box.SetViewLatency(latency)
	cycles := n.bob.Cycles()
	n.until("a synchronisation of bob's", func() bool { return n.bob.Cycles() > cycles })
	// Just after the next one has asked the server.
	n.clock.Advance(fakebox.CycleTime + 10*time.Millisecond)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.arrives(n.bob, key, "x")
	n.until("it vanishes", func() bool { return !n.exists(n.bob, key) })
	n.event("removal", of(bobBox, fakebox.OpRemove, key))
	n.arrives(n.bob, key, "x")
	if info := n.stat(n.bob, key); fakebox.TellsWritesFromRenames && info.Mode().Perm() != 0o644 {
		t.Errorf("it came back as %v", info.Mode())
	}
	if !n.exists(n.alice, key) {
		t.Error("it is lost at alice's")
	}
}

// A file that came, and that the application has deleted, while the server's list
// was on its way comes back: its record is dropped.
func TestSlowViewBringsDeletedFilesBack(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	n.box.SetViewLatency(400 * time.Millisecond)
	cycles := n.bob.Cycles()
	n.until("a synchronisation of bob's", func() bool { return n.bob.Cycles() > cycles })
	n.clock.Advance(fakebox.CycleTime + 10*time.Millisecond)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.arrives(n.bob, key, "x")
	n.remove(n.bob, key)
	n.until("it comes back", func() bool { return n.exists(n.bob, key) })
	if e := n.box.Events()[len(n.box.Events())-1]; e.Op != fakebox.OpArrive || e.Via != fakebox.ViaFullSync {
		t.Errorf("it came back by %v", e)
	}
}

// The server tells of a file before it has it in its store: the list that it gives in
// between lacks the file.
func TestServerTellsBeforeItStores(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	n.watched(n.alice, folder)
	key := folder + "/1.request"
	n.write(n.alice, key, "x")
	n.until("arrival", func() bool { return n.exists(n.bob, key) })
	caller := n.box.Join("bob@example.co") // may read all of bob's, and asks now
	if n.exists(caller, key) {
		t.Error("the server has it in its store")
	}
	cycles := caller.Cycles()
	n.until("the next synchronisation", func() bool { return caller.Cycles() > cycles })
	if !n.exists(caller, key) {
		t.Error("the server has not put it into its store")
	}
}
