package fakebox_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/fakebox"
)

// Forty files, modified as fast as this machine can: those that the server's queue
// cannot hold are lost, and deleted at their writer's.
func TestBurstLosesWhatTheQueueCannotHold(t *testing.T) {
	if !fakebox.TellsWritesFromRenames {
		t.Skip("elsewhere the order of modifications is not known")
	}
	n := newNetwork(t, fakebox.Config{Speed: 1})
	n.watched(n.bob, folder)
	const count = 40
	key := func(i int) string { return fmt.Sprintf("%s/%02d.response", folder, i) }
	for i := range count {
		n.write(n.bob, key(i), fmt.Sprint("response ", i))
	}
	n.until("all are sent", func() bool { return n.count(fakebox.OpSend, ".response") == count })
	n.until("all have arrived or are lost", func() bool {
		return n.count(fakebox.OpArrive, ".response")+n.count(fakebox.OpLose, ".response") >= count
	})

	// The same, computed from the order and the times of the events alone: 8 wait, a
	// message takes a millisecond to send and 1.75 to serve.
	var sent, lost []fakebox.Event
	at := map[string]time.Time{}
	for _, e := range n.box.Events() {
		switch {
		case !strings.HasSuffix(e.Path, ".response"):
		case e.Op == fakebox.OpWrite:
			at[e.Path] = e.Time
		case e.Op == fakebox.OpSend:
			sent = append(sent, e)
		case e.Op == fakebox.OpLose:
			lost = append(lost, e)
		}
	}
	var want []string
	var arrival, free time.Time
	var taken []time.Time // when each message was taken from the queue
	for _, e := range sent {
		arrival = latest(arrival.Add(time.Millisecond), at[e.Path].Add(50*time.Millisecond))
		waiting := 0
		for _, t := range taken {
			if t.After(arrival) {
				waiting++
			}
		}
		if waiting >= 8 {
			want = append(want, e.Path)
			continue
		}
		begin := latest(free, arrival)
		taken = append(taken, begin)
		free = begin.Add(1750 * time.Microsecond)
	}
	var got []string
	for _, e := range lost {
		got = append(got, e.Path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lost (-want +got):\n%s", diff)
	}
	if len(want) == 0 {
		t.Error("nothing was lost: this machine took too long to write 40 files")
	}
	t.Logf("%d of %d lost", len(got), count)

	// They are deleted where they were written; the others have arrived.
	n.until("the lost are deleted", func() bool { return n.count(fakebox.OpRemove, ".response") == len(want) })
	for i := range count {
		isLost := slices.Contains(want, key(i))
		if n.exists(n.bob, key(i)) == isLost || n.exists(n.alice, key(i)) == isLost {
			t.Errorf("file %d, lost %v: at bob's %v, at alice's %v", i, isLost, n.exists(n.bob, key(i)), n.exists(n.alice, key(i)))
		}
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
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
	n.watched(n.alice, folder)
	for _, test := range []struct {
		size int
		via  string // "": lost
	}{
		// Measured. The first still fits; the next three are lost; the last is too
		// large to be tried.
		{3_004_009, fakebox.ViaFast}, {3_167_849, ""}, {3_277_073, ""}, {4_096_273, ""}, {8_388_881, fakebox.ViaFullSync},
	} {
		n.mkdir(n.alice, folder)
		key := fmt.Sprintf("%s/%d.request", folder, test.size)
		n.until("the connection is back", func() bool {
			probe := folder + "/probe.request"
			n.write(n.alice, probe, time.Now().String())
			time.Sleep(5 * time.Millisecond)
			return n.exists(n.bob, probe)
		})
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

// The same bytes are pushed again within a second, and not later; other bytes
// replace the file.
func TestWrittenAgain(t *testing.T) {
	n := newNetwork(t, fakebox.Config{Speed: 5})
	n.watched(n.alice, folder)
	key := folder + "/1.request"
	arrivals := func() int { return n.count(fakebox.OpArrive, "/1.request") }
	n.write(n.alice, key, "same")
	n.until("arrival", func() bool { return arrivals() == 1 })
	first, err := os.Stat(n.bob.Path(key))
	if err != nil {
		t.Fatal(err)
	}
	n.write(n.alice, key, "same")
	n.until("pushed again", func() bool { return arrivals() == 2 })
	second, err := os.Stat(n.bob.Path(key))
	if err != nil || os.SameFile(first, second) {
		t.Errorf("the file is the same (%v)", err)
	}
	n.cycles(1) // long after
	n.write(n.alice, key, "same")
	now := time.Now()
	if err := os.Chtimes(n.alice.Path(key), now, now); err != nil {
		t.Fatal(err)
	}
	n.cycles(1)
	if arrivals() != 2 {
		t.Errorf("the same bytes, and a touch, were pushed: %d arrivals", arrivals())
	}
	n.write(n.alice, key, "other")
	n.arrives(n.bob, key, "other")
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

// A list of files that is long on its way makes a file vanish that came meanwhile.
func TestSlowViewMakesFilesVanish(t *testing.T) {
	n := newNetwork(t, fakebox.Config{Speed: 10, ViewLatency: 400 * time.Millisecond})
	n.watched(n.alice, folder)
	for i := 0; n.count(fakebox.OpRemove, ".vanishes.request") == 0; i++ {
		if i == 500 {
			t.Fatal("no file has vanished")
		}
		n.write(n.alice, fmt.Sprintf("%s/%d.vanishes.request", folder, i), "x")
		time.Sleep(20 * time.Millisecond)
	}
	e := n.event("removal", func(e fakebox.Event) bool {
		return e.Op == fakebox.OpRemove && strings.HasSuffix(e.Path, ".vanishes.request")
	})
	if e.Actor != bobBox {
		t.Errorf("it vanished at %s", e.Actor)
	}
	n.arrives(n.bob, e.Path, "x")
	info, err := os.Stat(n.bob.Path(e.Path))
	if err != nil || fakebox.TellsWritesFromRenames && info.Mode().Perm() != 0o644 {
		t.Errorf("it came back as %v, %v", info, err)
	}
}
