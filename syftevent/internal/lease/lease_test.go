package lease

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const testTimeout = 10 * time.Second

func newDir(t *testing.T) Dir {
	t.Helper()
	d := Dir(filepath.Join(t.TempDir(), "shared"))
	if err := d.Make(); err != nil {
		t.Fatal(err)
	}
	if err := d.Probe(); err != nil {
		t.Skip(err)
	}
	return d
}

// holder returns a holder with a lease. It is one of another machine: no process is known.
func holder(t *testing.T, d Dir) *Holder {
	t.Helper()
	h := NewHolder(d, testTimeout, nil)
	h.beat.Process = ""
	h.SetState(Running)
	renew(t, h)
	return h
}

func renew(t *testing.T, h *Holder) {
	t.Helper()
	if err := h.Renew(); err != nil {
		t.Fatal(err)
	}
}

// pass lets time pass: the observer looks each second, and the holders renew their leases.
func pass(t *testing.T, seconds int, o *Observer, holders ...*Holder) {
	t.Helper()
	for range seconds {
		time.Sleep(time.Second)
		for _, h := range holders {
			renew(t, h)
		}
		look(t, o)
	}
}

func look(t *testing.T, o *Observer) {
	t.Helper()
	if err := o.Look(time.Now()); err != nil {
		t.Fatal(err)
	}
}

func TestObserverNoticesSilence(t *testing.T) {
	d := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := holder(t, d), holder(t, d)
		o := NewObserver(d, testTimeout, "self")
		look(t, o)
		name := a.Current().Name
		if l, _ := o.Find(name); l.Proven || !o.Alive(name) {
			t.Errorf("a lease that was seen once: %+v", l)
		}
		pass(t, 60, o, a, b)
		if l, _ := o.Find(name); !l.Proven || !o.Alive(name) {
			t.Errorf("a lease that is renewed: %+v", l)
		}
		pass(t, 9, o, b)
		if !o.Alive(name) {
			t.Error("dead before the timeout")
		}
		if a.Current().Fresh(time.Now()) {
			t.Error("a holder begins something although it may soon be taken for dead")
		}
		pass(t, 2, o, b)
		if o.Alive(name) || !o.Alive(b.Current().Name) {
			t.Error("not dead after the timeout, or the other one is")
		}
	})
}

// A process that was suspended has not observed anybody.
func TestSuspendedObserverDeclaresNobodyDead(t *testing.T) {
	d := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		a := holder(t, d)
		o := NewObserver(d, testTimeout, "self")
		look(t, o)
		time.Sleep(time.Hour)
		look(t, o)
		if !o.Alive(a.Current().Name) {
			t.Error("dead although nobody looked")
		}
		pass(t, 11, o)
		if o.Alive(a.Current().Name) {
			t.Error("alive although it is silent")
		}
	})
}

// The clocks of hosts, and the times of files, play no role.
func TestObserverIgnoresTimesOfFiles(t *testing.T) {
	d := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		a := holder(t, d)
		o := NewObserver(d, testTimeout, "self")
		path := filepath.Join(string(d), beatsDir, a.Current().Name)
		look(t, o)
		for range 30 {
			renew(t, a)
			if err := os.Chtimes(path, time.Unix(0, 0), time.Unix(0, 0)); err != nil {
				t.Fatal(err)
			}
			pass(t, 1, o)
		}
		if !o.Alive(a.Current().Name) {
			t.Error("dead by the time of its file")
		}
		for range 11 {
			if err := os.Chtimes(path, time.Now().Add(time.Hour), time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			pass(t, 1, o)
		}
		if o.Alive(a.Current().Name) {
			t.Error("alive by the time of its file")
		}
	})
}

func TestStoppedHolderIsNotAlive(t *testing.T) {
	d := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		a := holder(t, d)
		o := NewObserver(d, testTimeout, "self")
		look(t, o)
		if err := a.Stop(); err != nil {
			t.Fatal(err)
		}
		look(t, o)
		if o.Alive(a.Current().Name) || a.Current().Fresh(time.Now()) {
			t.Error("alive after Stop")
		}
	})
}

func TestMissingHeartbeatIsDeadAfterTimeout(t *testing.T) {
	d := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		a := holder(t, d)
		o := NewObserver(d, testTimeout, "self")
		look(t, o)
		if !o.Alive("unknown-1-x") {
			t.Error("an unknown holder is dead at once")
		}
		if err := d.Forget(a.Current().Name); err != nil {
			t.Fatal(err)
		}
		pass(t, 9, o)
		if !o.Alive(a.Current().Name) || !o.Alive("unknown-1-x") {
			t.Error("dead before the timeout")
		}
		pass(t, 2, o)
		if o.Alive(a.Current().Name) || o.Alive("unknown-1-x") {
			t.Error("alive after the timeout")
		}
	})
}

// Workers that start and end for weeks cost the others nothing.
func TestRemovedHeartbeatsAreForgotten(t *testing.T) {
	d := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		o := NewObserver(d, testTimeout, "self")
		kept := holder(t, d).Current().Name
		for range 5 {
			a := holder(t, d)
			look(t, o)
			if err := a.Stop(); err != nil {
				t.Fatal(err)
			}
			look(t, o)
			if err := d.Forget(a.Current().Name); err != nil {
				t.Fatal(err)
			}
		}
		o.Alive("unknown-1-x")
		pass(t, 60, o)
		if o.Alive("unknown-1-x") {
			t.Error("alive after the timeout")
		}
		pass(t, deadLooks*(absentLooks+1), o)
		if len(o.seen) != 1 || o.Alive(kept) {
			t.Errorf("%d leases are observed, want the one that has a heartbeat", len(o.seen))
		}
		for _, known := range o.All() {
			if known.Beat.Name != kept {
				t.Errorf("%s is known", known.Beat.Name)
			}
		}
	})
}

// The crash of a host may leave an empty file.
func TestMalformedHeartbeatIsDeadAfterTimeout(t *testing.T) {
	d := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := holder(t, d), holder(t, d)
		name := a.Current().Name
		path := filepath.Join(string(d), beatsDir, name)
		for _, content := range []string{"", "{", `{"name":"another"}`} {
			o := NewObserver(d, testTimeout, "self")
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			look(t, o)
			pass(t, 9, o, b)
			if !o.Alive(name) {
				t.Errorf("%q: dead before the timeout", content)
			}
			pass(t, 2, o, b)
			if o.Alive(name) || !o.Alive(b.Current().Name) {
				t.Errorf("%q: not dead after the timeout, or the other one is", content)
			}
		}
		o := NewObserver(d, testTimeout, "self")
		for i := range 30 {
			if err := os.WriteFile(path, fmt.Appendf(nil, "of a later version %d", i), 0o644); err != nil {
				t.Fatal(err)
			}
			pass(t, 1, o)
		}
		if !o.Alive(name) {
			t.Error("dead although it changes")
		}
	})
}

func TestLapsedLeaseGetsNewName(t *testing.T) {
	d := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		a := holder(t, d)
		first := a.Current()
		time.Sleep(testTimeout - time.Second)
		renew(t, a)
		if a.Current() != first || a.Lapses() != 0 || !first.Fresh(time.Now()) {
			t.Error("the lease has lapsed before the timeout")
		}
		time.Sleep(testTimeout)
		renew(t, a)
		second := a.Current()
		if second.Name == first.Name || a.Lapses() != 1 || first.Fresh(time.Now()) || !second.Fresh(time.Now()) {
			t.Errorf("after the timeout: %q, then %q", first.Name, second.Name)
		}
		if Base(second.Name) != a.Base() || Base(first.Name) != a.Base() {
			t.Errorf("base of %q: %q", second.Name, Base(second.Name))
		}
	})
}

// A renewal that took too long does not bring back a lease that others may have taken for dead.
func TestLeaseThatLapsesDuringRenewalGetsNewName(t *testing.T) {
	d := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		var writing time.Duration
		a := NewHolder(d, testTimeout, func(*Beat) {
			time.Sleep(writing) // as the file system may
			writing = 0
		})
		renew(t, a)
		first := a.Current()
		time.Sleep(testTimeout - time.Second)
		writing = 2 * time.Second
		renew(t, a)
		second := a.Current()
		if second.Name == first.Name || a.Lapses() != 1 || first.Fresh(time.Now()) || !second.Fresh(time.Now()) {
			t.Errorf("after a renewal that took long: %q, then %q", first.Name, second.Name)
		}
		names, err := d.names()
		if err != nil || len(names) != 1 || names[0] != second.Name {
			t.Errorf("heartbeats: %q, %v", names, err)
		}
	})
}

// The monotonic clock stands still while the machine is suspended. Others go on.
func TestLeaseLapsesWhileMachineIsSuspended(t *testing.T) {
	d := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		var suspended time.Duration
		a := NewHolder(d, testTimeout, nil)
		a.suspended = func() time.Duration { return suspended }
		renew(t, a)
		first := a.Current()
		suspended += testTimeout/2 + time.Second
		if first.Fresh(time.Now()) {
			t.Error("fresh after the machine was suspended")
		}
		renew(t, a)
		if a.Current() != first || !first.Fresh(time.Now()) {
			t.Error("lapsed although the machine was suspended for less than the timeout")
		}
		suspended += time.Hour
		renew(t, a)
		if a.Current() == first || a.Lapses() != 1 || first.Fresh(time.Now()) {
			t.Error("not lapsed although the machine was suspended for an hour")
		}
		if err := a.Stop(); err != nil || a.Current().Fresh(time.Now()) {
			t.Error("fresh after Stop:", err)
		}
	})
}

func TestSuspendedTimeIsSteady(t *testing.T) {
	first := systemSuspended()
	time.Sleep(10 * time.Millisecond)
	if d := systemSuspended() - first; d.Abs() > 100*time.Millisecond {
		t.Errorf("it has changed by %v while the test ran", d)
	}
}

func TestHeartbeatsSurviveTheirFolder(t *testing.T) {
	d := newDir(t)
	a := holder(t, d)
	if err := os.RemoveAll(string(d)); err != nil {
		t.Fatal(err)
	}
	renew(t, a)
	c, err := d.Take(a.Current(), "c", "x", nil)
	if err != nil || c.Holder != a.Current().Name {
		t.Errorf("claim: %+v, %v", c, err)
	}
	if err := os.RemoveAll(filepath.Dir(string(d))); err != nil {
		t.Fatal(err)
	}
	if err := a.Renew(); err == nil {
		t.Error("the parent was made")
	}
}

func alwaysAlive(string) bool { return true }

func TestClaimHasOneHolder(t *testing.T) {
	d := newDir(t)
	var holders []*Holder
	for range 8 {
		holders = append(holders, holder(t, d))
	}
	for n := range 50 {
		var mu sync.Mutex
		var all sync.WaitGroup
		winners := map[string]int{}
		for _, h := range holders {
			all.Go(func() {
				c, err := d.Take(h.Current(), fmt.Sprint("claim", n), "a/b", alwaysAlive)
				mu.Lock()
				defer mu.Unlock()
				if winners[c.Holder]++; err != nil || c.About != "a/b" || c.Generation != 1 {
					t.Errorf("%+v, %v", c, err)
				}
			})
		}
		if all.Wait(); len(winners) != 1 {
			t.Errorf("holders: %v", winners)
		}
	}
}

func TestClaimOfDeadHolderIsTakenOver(t *testing.T) {
	d := newDir(t)
	a, b, c := holder(t, d), holder(t, d), holder(t, d)
	aliveBut := func(dead ...*Holder) func(string) bool {
		return func(name string) bool {
			for _, h := range dead {
				if name == h.Current().Name {
					return false
				}
			}
			return true
		}
	}
	for n, test := range []struct {
		taker  *Holder
		dead   []*Holder
		holder *Holder
		want   int
	}{
		{a, nil, a, 1},
		{b, nil, a, 1},
		{a, nil, a, 1}, // again: the reply may have been lost
		{b, []*Holder{a}, b, 2},
		{c, []*Holder{a}, b, 2},
		{a, nil, b, 2}, // it was taken for dead, which it was not
		{c, nil, b, 2},
		{a, []*Holder{b}, a, 3},
		{c, []*Holder{a, b}, c, 4},
	} {
		got, err := d.Take(test.taker.Current(), "x", "about/it", aliveBut(test.dead...))
		if err != nil || got.Holder != test.holder.Current().Name || got.Generation != test.want {
			t.Errorf("%d: %+v, %v", n, got, err)
		}
	}
}

func TestClaimThatIsNoLinkIsAnError(t *testing.T) {
	d := newDir(t)
	a := holder(t, d)
	path := filepath.Join(string(d), claimsDir, "x.1")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if c, err := d.Take(a.Current(), "x", "", alwaysAlive); !errors.Is(err, errNoClaim) {
		t.Errorf("a file: %+v, %v", c, err)
	}
	os.Remove(path)
	if err := os.Symlink("nobody", path); err != nil {
		t.Fatal(err)
	}
	if c, err := d.Take(a.Current(), "x", "", alwaysAlive); !errors.Is(err, errNoClaim) {
		t.Errorf("a link without a holder: %+v, %v", c, err)
	}
}

func TestClaimsAreListedAndRemoved(t *testing.T) {
	d := newDir(t)
	a := holder(t, d)
	for n := range 3000 {
		if _, err := d.Take(a.Current(), fmt.Sprint("c", n), fmt.Sprint("dir/", n), nil); err != nil {
			t.Fatal(err)
		}
	}
	var all []Claim
	if err := d.Claims(func(c Claim) bool { all = append(all, c); return true }); err != nil || len(all) != 3000 {
		t.Fatalf("%d claims, %v", len(all), err)
	}
	for _, c := range all {
		if strings.TrimPrefix(c.Name, "c") != strings.TrimPrefix(c.About, "dir/") || c.Holder != a.Current().Name {
			t.Fatalf("%+v", c)
		}
		if err := d.Remove(c); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneLeads(t *testing.T) {
	d := newDir(t)
	last := Claim{}
	for n := range 3 * keptLeaders {
		a, b := holder(t, d), holder(t, d)
		dead := func(name string) bool { return name == a.Current().Name || name == b.Current().Name }
		first, err := d.Lead(a.Current(), dead)
		if err != nil || first.Holder != a.Current().Name || first.Generation != n+1 {
			t.Fatalf("%d: %+v, %v", n, first, err)
		}
		if last.Holder != "" && d.Leads(last) {
			t.Error("the leader before still leads")
		}
		if other, err := d.Lead(b.Current(), dead); err != nil || other != first || !d.Leads(first) {
			t.Fatalf("%d: a second leader: %+v, %v", n, other, err)
		}
		if got, err := d.Leader(); err != nil || got != first {
			t.Errorf("leader: %+v, %v", got, err)
		}
		last = first
		d.Forget(a.Current().Name)
		d.Forget(b.Current().Name)
	}
	if all, err := d.leaders(); err != nil || len(all) != keptLeaders {
		t.Errorf("%d generations are left, %v", len(all), err)
	}
}

func TestLeadIsLostWithItsClaim(t *testing.T) {
	d := newDir(t)
	alive := func(string) bool { return true }
	a, b := holder(t, d).Current(), holder(t, d).Current()
	c, err := d.Lead(a, alive)
	if err != nil || !d.Leads(c) {
		t.Fatal(c, err)
	}
	if err := os.RemoveAll(string(d)); err != nil {
		t.Fatal(err)
	}
	if d.Leads(c) {
		t.Error("it leads although its claim was removed")
	}
	if c, err := d.Lead(b, alive); err != nil || c.Holder != b.Name {
		t.Fatal(c, err)
	}
	if d.Leads(c) {
		t.Error("it leads although another one does")
	}
	if c, err := d.Lead(a, alive); err != nil || c.Holder != b.Name {
		t.Errorf("Lead = %+v, %v; want the new leader", c, err)
	}
}

func TestNamesAreReadable(t *testing.T) {
	name := newName("GPU Server.example.com/7", 4711)
	if !strings.HasPrefix(name, "gpu-server-example-com-7-4711-") || strings.ContainsAny(name, "./") || name == newName("GPU Server.example.com/7", 4711) {
		t.Error(name)
	}
}
