package fakebox_test

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/fakebox"
)

// Faults that strike an arriving file also work in a network that is not started.
func TestArrivalFaults(t *testing.T) {
	const data = `{"id":"1","sender":"alice@example.com"}`
	tests := map[fakebox.Fault]func(n *network, key string){
		fakebox.Vanish: func(n *network, key string) {
			n.until("the file vanishes", func() bool { return !n.exists(n.bob, key) })
			n.arrives(n.bob, key, data)
		},
		fakebox.Repush: func(n *network, key string) {
			first := n.stat(n.bob, key)
			n.until("the file is replaced", func() bool { return n.exists(n.bob, key) && !os.SameFile(first, n.stat(n.bob, key)) })
			n.arrives(n.bob, key, data)
		},
		fakebox.Duplicate: func(n *network, key string) {
			n.until("the second arrival", func() bool { return n.count(fakebox.OpArrive, key) == 2 })
			events := n.box.Events()
			if got := events[len(events)-1]; got.Via != fakebox.ViaFullSync || got.Mode != "blobstore" {
				n.Errorf("second arrival: %+v, want via full-sync", got)
			}
			n.arrives(n.bob, key, data)
		},
		fakebox.Truncated: func(n *network, key string) {
			if got := n.read(n.bob, key); got != data[:len(data)/2] {
				n.Errorf("got content %q, want the first half", got)
			}
		},
		fakebox.Answered: func(n *network, key string) {
			if got := n.read(n.bob, strings.TrimSuffix(key, ".request")+".response"); !strings.Contains(got, `"status_code":299`) {
				n.Errorf("got response %q, want status 299", got)
			}
			n.arrives(n.bob, key, data)
		},
		fakebox.Conflict: func(n *network, key string) {
			n.arrives(n.bob, strings.TrimSuffix(key, ".request")+".conflict.request", data)
			n.arrives(n.bob, key, data)
		},
		fakebox.Future: func(n *network, key string) {
			if got := time.Until(n.stat(n.bob, key).ModTime()); got < 50*time.Minute {
				n.Errorf("modification time is %v from now, want about an hour", got)
			}
		},
		fakebox.Coarse: func(n *network, key string) {
			if got := n.stat(n.bob, key).ModTime(); !got.Equal(got.Truncate(2 * time.Second)) {
				n.Errorf("modification time %v is not a multiple of 2 s", got)
			}
		},
		fakebox.Torn: func(n *network, key string) {
			n.arrives(n.bob, key, data) // TestTornFileArrivesInPieces checks the pieces
		},
	}
	for fault, check := range tests {
		for _, started := range []bool{false, true} {
			name := string(fault)
			if started {
				name += " in a started network"
			}
			t.Run(name, func(t *testing.T) {
				n := idleNetwork(t, fakebox.Config{})
				if started {
					if err := n.box.Start(); err != nil {
						t.Fatal(err)
					}
					// The client rebuilds an empty record, and then finds no conflict.
					if err := n.bob.Deliver("note.txt", []byte("x"), fakebox.Delivery{}); err != nil {
						t.Fatal(err)
					}
				}
				if err := n.box.FailNext(fault, 1); err != nil {
					t.Fatal(err)
				}
				key := folder + "/1.request"
				delivered := make(chan error, 1)
				go func() {
					delivered <- n.bob.Deliver(strings.TrimPrefix(key, "bob@example.com/"), []byte(data), fakebox.Delivery{})
				}()
				if fault == fakebox.Torn {
					eventually(t, "the first piece", func() bool { return n.exists(n.bob, key) })
					n.clock.Advance(time.Second)
				}
				if err := <-delivered; err != nil {
					t.Fatal(err)
				}
				n.event("the fault is in the journal", func(e fakebox.Event) bool { return e.Fault == fault })
				check(n, key)
			})
		}
	}
}

func (n *network) stat(r *fakebox.Replica, key string) os.FileInfo {
	n.Helper()
	info, err := os.Stat(r.Path(key))
	if err != nil {
		n.Fatal(err)
	}
	return info
}

func TestTornFileArrivesInPieces(t *testing.T) {
	n := idleNetwork(t, fakebox.Config{})
	if err := n.box.FailNext(fakebox.Torn, 1); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		done <- n.bob.Deliver(strings.TrimPrefix(folder, "bob@example.com/")+"/1.request", []byte("in three pieces"), fakebox.Delivery{})
	}()
	eventually(t, "the first piece", func() bool { return n.read(n.bob, folder+"/1.request") != "" })
	for _, want := range []string{"in thr", "in three pie", "in three pieces"} {
		n.clock.Settle()
		if got := n.read(n.bob, folder+"/1.request"); got != want {
			t.Errorf("got content %q, want %q", got, want)
		}
		n.clock.Advance(100 * time.Millisecond)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Faults that strike a file when it is sent.
func TestMessageFaults(t *testing.T) {
	if !fakebox.DistinguishesRenames {
		t.Skip("the watch does not distinguish writes from renames")
	}
	tests := map[fakebox.Fault]func(n *network, key string){
		fakebox.BurstLoss: lost,
		fakebox.DeadZone:  lost,
		fakebox.Late: func(n *network, key string) {
			n.arrives(n.bob, key, "x")
			if e := n.event("arrival", of(bobBox, fakebox.OpArrive, key)); e.Via != fakebox.ViaFullSync {
				n.Errorf("arrived via %s, want full-sync", e.Via)
			}
		},
		fakebox.Reorder: func(n *network, key string) {
			second := folder + "/2.request"
			n.write(n.alice, second, "second")
			n.arrives(n.bob, key, "x")
			if !n.exists(n.bob, second) {
				n.Error("the second file did not arrive first")
			}
		},
	}
	for fault, check := range tests {
		t.Run(string(fault), func(t *testing.T) {
			n := newNetwork(t, fakebox.Config{})
			n.write(n.alice, folder+"/.syftkeep", "")
			n.watched(n.alice, folder)
			if err := n.box.FailNext(fault, 1); err != nil {
				t.Fatal(err)
			}
			key := folder + "/1.request"
			n.write(n.alice, key, "x")
			check(n, key)
		})
	}
}

// lost checks that a file never arrives, and is deleted at its sender's.
func lost(n *network, key string) {
	n.until("the sender's file is deleted", func() bool { return !n.exists(n.alice, key) })
	n.cycles(1)
	if n.exists(n.bob, key) {
		n.Error("the file arrived")
	}
}

func TestSkewExpiresRequest(t *testing.T) {
	box := fakebox.New(t, fakebox.Config{Seed: 9})
	n := &network{T: t, box: box, alice: box.Join("alice@example.com")}
	if err := box.FailNext(fakebox.Skew, 1); err != nil {
		t.Fatal(err)
	}
	for _, expired := range []bool{true, false} {
		key, err := n.alice.Send(fakebox.Request{Datasite: "bob@example.com", App: "echo", Endpoint: "/hello", Body: []byte("x")})
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(n.read(n.alice, key), `"expires":"`)
		expires, err := time.Parse(time.RFC3339Nano, after[:strings.IndexByte(after, '"')])
		if err != nil || expires.Before(time.Now()) != expired {
			t.Errorf("request expires at %v (parse error: %v), want in the past: %v", expires, err, expired)
		}
	}
}

func TestOfflineFaultLastsOneCycle(t *testing.T) {
	n := newNetwork(t, fakebox.Config{})
	if err := n.box.FailNext(fakebox.Offline, 1); err != nil {
		t.Fatal(err)
	}
	off := n.event("offline", func(e fakebox.Event) bool { return e.Op == fakebox.OpOffline })
	n.event("online", func(e fakebox.Event) bool { return e.Op == fakebox.OpOnline && e.Actor == off.Actor })
	n.cycles(1)
}

func TestSendRejectsInvalidRequests(t *testing.T) {
	box, err := fakebox.Open(t.TempDir(), fakebox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	alice := box.Join("alice@example.com")
	for _, req := range []fakebox.Request{
		{Datasite: "bob@example.com", App: "echo", Endpoint: "../../../../x"},
		{Datasite: "..", App: "echo", Endpoint: "x"},
		{Datasite: "bob@example.com", App: "../echo", Endpoint: "x"},
		{Datasite: "bob@example.com", Endpoint: "x"},
	} {
		if key, err := alice.Send(req); err == nil {
			t.Errorf("Send(%+v) = %s, want an error", req, key)
		}
	}
}

func TestOpenRejectsInvalidConfig(t *testing.T) {
	for _, config := range []fakebox.Config{{Speed: -1}, {FaultRate: 2}, {FaultRate: -0.5}, {Download: fakebox.Delivery{Mode: 7}}} {
		if box, err := fakebox.Open(t.TempDir(), config); err == nil {
			box.Close()
			t.Errorf("Open accepted %+v", config)
		}
	}
}

// Join must not touch a folder that is not a replica of the network.
func TestJoinRejectsForeignFolder(t *testing.T) {
	box, err := fakebox.Open(t.TempDir(), fakebox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	dir := box.Dir() + "/bob@example.com"
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, config := range []string{"", `{"data_dir":"/home/bob/SyftBox","email":"bob@example.com"}`} {
		if err := os.WriteFile(dir+"/config.json", []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := box.TryJoin("bob@example.com"); err == nil {
			t.Errorf("TryJoin accepted a folder with configuration %q", config)
		}
		data, err := os.ReadFile(dir + "/config.json")
		if entries, _ := os.ReadDir(dir); err != nil || string(data) != config || len(entries) != 1 {
			t.Errorf("folder changed: configuration %q, error %v, entries %v", data, err, entries)
		}
	}
}

func TestFaultStrikesOnlyRequestsOrResponses(t *testing.T) {
	n := idleNetwork(t, fakebox.Config{})
	n.do("inject", n.box.FailNextRequests(fakebox.Future, 1))
	n.do("inject", n.box.FailNextResponses(fakebox.Coarse, 1))
	for _, name := range []string{"1.response", "1.request", "2.request", "2.response"} {
		n.do("deliver", n.bob.Deliver("app_data/echo/rpc/hello/alice@example.com"+"/"+name, []byte("x"), fakebox.Delivery{}))
	}
	got := map[string]fakebox.Fault{}
	for _, e := range n.box.Events() {
		got[path.Base(e.Path)] = e.Fault
	}
	want := map[string]fakebox.Fault{"1.response": fakebox.Coarse, "1.request": fakebox.Future, "2.request": "", "2.response": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	for _, s := range n.box.FaultSettings() {
		if s.Next != 0 {
			t.Errorf("%+v", s)
		}
	}
}

func TestRefusesResponseFaultsOfRequests(t *testing.T) {
	box, err := fakebox.Open(filepath.Join(t.TempDir(), "box"), fakebox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	for _, fault := range []fakebox.Fault{fakebox.Answered, fakebox.Truncated, fakebox.Skew, fakebox.Offline, "flood"} {
		if err := box.FailNextResponses(fault, 1); err == nil {
			t.Errorf("%s: no error", fault)
		}
	}
}
