package fakebox_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

// awaitEvent takes events until one satisfies the condition.
func awaitEvent(t *testing.T, s *fakebox.Subscription, found func(fakebox.Event) bool) fakebox.Event {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		events, _ := s.Take()
		for _, e := range events {
			if found(e) {
				return e
			}
		}
		select {
		case <-s.Ready():
		case <-timeout:
			t.Fatal("no such event within a minute")
		}
	}
}

func TestSubscriptionReceivesEvents(t *testing.T) {
	box := fakebox.New(t, fakebox.Config{Speed: 20})
	bob := box.Join("bob@example.com")
	bob.Deliver(file, []byte("x"), fakebox.Delivery{})
	s := box.Subscribe(100)
	isArrival := func(e fakebox.Event) bool {
		return e.Op == fakebox.OpArrive && e.Path == path.Join("bob@example.com", file)
	}
	awaitEvent(t, s, isArrival) // an event before the subscription
	bob.Deliver(file, []byte("y"), fakebox.Delivery{})
	awaitEvent(t, s, isArrival)
	s.Close()
	bob.Deliver(file, []byte("z"), fakebox.Delivery{})
	if events, _ := s.Take(); len(events) != 0 {
		t.Errorf("%d events after Close", len(events))
	}
}

func TestSubscriptionCountsDroppedEvents(t *testing.T) {
	box := fakebox.New(t, fakebox.Config{})
	bob := box.Join("bob@example.com")
	s := box.Subscribe(2)
	for range 5 {
		bob.Deliver(file, []byte("x"), fakebox.Delivery{})
	}
	if events, dropped := s.Take(); len(events) != 2 || dropped != 3 {
		t.Errorf("%d events and %d dropped; want 2 and 3", len(events), dropped)
	}
	if events, dropped := s.Take(); len(events) != 0 || dropped != 0 {
		t.Errorf("%d events and %d dropped; want none", len(events), dropped)
	}
}

func TestFaultRates(t *testing.T) {
	box := fakebox.New(t, fakebox.Config{Seed: 1, FaultRate: 0.5})
	bob := box.Join("bob@example.com")
	if box.FaultRate() != 0.5 {
		t.Errorf("rate %v", box.FaultRate())
	}
	box.SetFaultRate("", 0)
	box.SetFaultRate(fakebox.Future, 1)
	bob.Deliver(file, []byte("x"), fakebox.Delivery{})
	if events := box.Events(); len(events) != 1 || events[0].Fault != fakebox.Future {
		t.Errorf("%v; want the fault future", events)
	}
	box.FailNext(fakebox.Torn, 2)
	for _, s := range box.FaultSettings() {
		if s.Rate != map[fakebox.Fault]float64{fakebox.Future: 1}[s.Fault] || s.Next != map[fakebox.Fault]int{fakebox.Torn: 2}[s.Fault] {
			t.Errorf("%+v", s)
		}
	}
	box.Heal()
	for _, s := range box.FaultSettings() {
		if s.Rate != 0 || s.Next != 0 {
			t.Errorf("after Heal: %+v", s)
		}
	}
	bob.Deliver(file, []byte("y"), fakebox.Delivery{})
	if e := box.Events()[1]; e.Fault != "" {
		t.Errorf("fault %s after Heal", e.Fault)
	}
}

func TestReportsState(t *testing.T) {
	box := fakebox.New(t, fakebox.Config{Speed: 20})
	box.Join("bob@example.com")
	alice := box.Join("alice@example.com")
	if alice.Running() {
		t.Error("the client runs before Start")
	}
	box.Start()
	if got := box.Replicas(); len(got) != 2 || got[0] != alice {
		t.Errorf("replicas %v", got)
	}
	if !alice.Running() || !alice.Online() || !box.ServerRunning() || box.Speed() != 20 {
		t.Errorf("running %v, online %v, server %v, speed %v", alice.Running(), alice.Online(), box.ServerRunning(), box.Speed())
	}
	alice.SetOnline(false)
	alice.Stop()
	box.StopServer()
	box.SetSpeed(5)
	if alice.Running() || alice.Online() || box.ServerRunning() || box.Speed() != 5 {
		t.Errorf("running %v, online %v, server %v, speed %v", alice.Running(), alice.Online(), box.ServerRunning(), box.Speed())
	}
	if !box.May("bob@example.com", "bob@example.com/a", true) || box.May("alice@example.com", "bob@example.com/a", true) {
		t.Error("a file without rules must be writable for its owner only")
	}
}

// Whoever follows the journal must not see a file arrive before it was uploaded.
func TestJournalHasUploadBeforeArrival(t *testing.T) {
	box := fakebox.New(t, fakebox.Config{Speed: 500})
	bob, alice := box.Join("bob@example.com"), box.Join("alice@example.com")
	const files = 200
	for i := range files {
		if err := os.WriteFile(filepath.Join(bob.Datasite(), fmt.Sprintf("%d.txt", i)), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(bob.Datasite(), "syft.pub.yaml"), []byte("rules:\n- pattern: '**'\n  access:\n    read: ['*']\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := box.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all files", func() bool {
		names, _ := filepath.Glob(alice.Path("bob@example.com/*.txt"))
		return len(names) == files
	})
	uploaded := map[string]bool{}
	for _, e := range box.Events() {
		switch {
		case e.Op == fakebox.OpUpload:
			uploaded[e.Path] = true
		case e.Op == fakebox.OpArrive && !uploaded[e.Path]:
			t.Errorf("%s arrived before its upload", e.Path)
		}
	}
}

// An application that has read a file finds its arrival in the journal.
func TestJournalHasArrivalOfEveryFileThatIsThere(t *testing.T) {
	box := fakebox.New(t, fakebox.Config{})
	bob := box.Join("bob@example.com")
	const files = 300
	name := func(i int) string { return fmt.Sprintf("app_data/app/rpc/x/alice@example.com/%d.request", i) }
	go func() {
		for i := range files {
			mode := []fakebox.Mode{fakebox.WebSocket, fakebox.BlobStore, fakebox.BlobStoreInPlace}[i%3]
			bob.Deliver(name(i), []byte("{}"), fakebox.Delivery{Mode: mode}) // Deliver reports errors to t
		}
	}()
	for i := range files {
		key := "bob@example.com/" + name(i)
		for deadline := time.Now().Add(5 * time.Minute); ; {
			if data, _ := os.ReadFile(bob.Path(key)); len(data) == 2 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s does not arrive", key)
			}
		}
		found := false
		for _, e := range box.Events() {
			found = found || e.Op == fakebox.OpArrive && e.Path == key
		}
		if !found {
			t.Errorf("%s is there without an event", key)
		}
	}
}
