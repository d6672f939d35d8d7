package fakebox

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// schedule returns the decisions of a seed for many files.
func schedule(seed uint64) []string {
	var all []string
	for i := range 500 {
		for _, suffix := range []string{".request", ".response"} {
			name := fmt.Sprintf("bob@example.com/app_data/echo/rpc/hello/alice@example.com/%d%s", i, suffix)
			for count := 1; count <= 3; count++ {
				for _, at := range []point{atCompose, atNotice, atSend, atArrival, atCycle} {
					if fault := decision(seed, 0.3, at, name, count); fault != "" {
						all = append(all, fmt.Sprintf("%s %d %s: %s", name, count, at, fault))
					}
				}
			}
		}
	}
	return all
}

func TestSeedDeterminesFaults(t *testing.T) {
	if diff := cmp.Diff(schedule(7), schedule(7)); diff != "" {
		t.Errorf("seed 7 twice:\n%s", diff)
	}
	if cmp.Equal(schedule(7), schedule(8)) {
		t.Error("seeds 7 and 8 make the same decisions")
	}
	// Each seed enables some faults, and all seeds together enable all.
	seen := map[Fault]bool{}
	for seed := range uint64(20) {
		count := 0
		for _, info := range faults {
			if weight(seed, info.Fault) > 0 {
				seen[info.Fault] = true
				count++
			}
		}
		if count == len(faults) || count == 0 {
			t.Errorf("seed %d enables %d of %d faults", seed, count, len(faults))
		}
	}
	if len(seen) != len(faults) {
		t.Errorf("twenty seeds enable only the faults %v", seen)
	}
}

// The order in which files reach a point does not change the decisions.
func TestDecisionDependsOnPathAndCount(t *testing.T) {
	decide := func(order []string) map[string][]Fault {
		box := New(t, Config{Seed: 3, FaultRate: 0.5})
		got := map[string][]Fault{}
		for _, name := range order {
			got[name] = append(got[name], box.sim.chance.decide(atArrival, name))
		}
		return got
	}
	var names []string
	for i := range 300 {
		names = append(names, fmt.Sprintf("%d.request", i%60))
	}
	forward := decide(names)
	slices.Reverse(names)
	if diff := cmp.Diff(forward, decide(names)); diff != "" {
		t.Errorf("(-forward +backward):\n%s", diff)
	}
}

func TestFaultRate(t *testing.T) {
	struck := 0
	for i := range 10000 {
		if decision(5, 0.1, atArrival, fmt.Sprintf("%d.request", i), 1) != "" {
			struck++
		}
	}
	if struck < 900 || struck > 1100 {
		t.Errorf("rate 0.1 struck %d of 10000 files", struck)
	}
}

func TestFailNext(t *testing.T) {
	box, err := Open(t.TempDir(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	for _, fault := range []Fault{"flood", ""} {
		err := box.FailNext(fault, 1)
		for _, info := range faults {
			if err == nil || !strings.Contains(err.Error(), string(info.Fault)) {
				t.Errorf("fault %q: error %v does not list %s", fault, err, info.Fault)
			}
		}
	}
	if err := box.FailNext(Torn, 0); err == nil {
		t.Error("FailNext accepted count 0")
	}
	if err := box.FailNext(Truncated, 2); err != nil {
		t.Fatal(err)
	}
	var got []Fault
	for _, name := range []string{"1.response", "1.request", "note.txt", "2.request", "3.request"} {
		got = append(got, box.sim.chance.decide(atArrival, name))
	}
	if diff := cmp.Diff([]Fault{"", Truncated, "", Truncated, ""}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	box.FailNext(Torn, 5)
	box.Heal()
	if fault := box.sim.chance.decide(atArrival, "4.request"); fault != "" {
		t.Errorf("fault %s after Heal", fault)
	}
}

func TestCountsForgetOnlyOldNames(t *testing.T) {
	var c counts
	c.next("a")
	for n := range 3 * mostCounted {
		c.next(fmt.Sprint(n))
		if n%1000 == 0 {
			if got, want := c.next("a"), n/1000+2; got != want {
				t.Fatalf("a was counted %d times, want %d", got, want)
			}
		}
	}
	if got := len(c.lately) + len(c.before); got > 2*mostCounted {
		t.Errorf("%d names are remembered", got)
	}
	if got := c.next("0"); got != 1 {
		t.Errorf("an old name was counted %d times", got)
	}
}
