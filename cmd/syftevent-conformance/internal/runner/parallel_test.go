package runner

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// plain returns scenarios that need no server.
func plain(n int) []scenario.Scenario {
	var list []scenario.Scenario
	for i := range n {
		list = append(list, scenario.Scenario{
			ID:     fmt.Sprintf("s%02d", i),
			Covers: []spec.Requirement{{ID: "x", Level: spec.Must, Class: "core"}},
			Script: []byte("present file\n-- file --\n"),
		})
	}
	return list
}

func TestRunReportsEachResultOnce(t *testing.T) {
	scenarios := plain(20)
	scenarios[7].Feature = "nothing-declares-it"
	for _, parallel := range []int{0, 1, 3, 50} {
		config := Config{Dir: t.TempDir(), Config: script.Config{Timescale: 1}, Parallel: parallel}
		got := map[string]Outcome{}
		// The race detector finds concurrent calls of done.
		Run(t.Context(), config, target.Ready{}, scenarios, func(r Result) {
			if _, twice := got[r.Scenario.ID]; twice {
				t.Errorf("%s has two results", r.Scenario.ID)
			}
			got[r.Scenario.ID] = r.Outcome
		})
		want := map[string]Outcome{}
		for _, s := range scenarios {
			want[s.ID] = Pass
		}
		want["s07"] = NotImplemented
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("parallel %d (-want +got):\n%s", parallel, diff)
		}
	}
}

func TestRunOneAtATimeKeepsTheOrder(t *testing.T) {
	config := Config{Dir: t.TempDir(), Config: script.Config{Timescale: 1}, Parallel: 1}
	var got []string
	Run(t.Context(), config, target.Ready{}, plain(5), func(r Result) { got = append(got, r.Scenario.ID) })
	if !slices.IsSorted(got) || len(got) != 5 {
		t.Errorf("%v", got)
	}
}

// Among the others, the scenario that runs beside them would keep them from starting.
func TestRunsScenariosBesideTheOthers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	scenarios := plain(4)
	scenarios[0].Beside, scenarios[0].Script = true, []byte("idle 1h\n")
	config := Config{Dir: t.TempDir(), Config: script.Config{Timescale: 1}, Parallel: 1}
	var got []string
	Run(ctx, config, target.Ready{}, scenarios, func(r Result) {
		if got = append(got, r.Scenario.ID); len(got) == 3 {
			cancel()
		}
	})
	if diff := cmp.Diff([]string{"s01", "s02", "s03"}, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	got = nil
	scenarios[0].Script = scenarios[1].Script
	Run(t.Context(), config, target.Ready{}, scenarios, func(r Result) { got = append(got, r.Scenario.ID) })
	if slices.Sort(got); len(got) != 4 || got[0] != "s00" {
		t.Errorf("results of %v", got)
	}
}

func TestCancelledRunHasNoFailures(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	config := Config{Dir: t.TempDir(), Config: script.Config{Timescale: 1}, Parallel: 2}
	results := 0
	Run(ctx, config, target.Ready{}, plain(30), func(r Result) {
		results++
		cancel()
		if r.Outcome != Pass {
			t.Errorf("%s: %s", r.Scenario.ID, r.Outcome)
		}
	})
	// The first scenario, and those that the two workers had started by then.
	if results == 0 || results > 4 {
		t.Errorf("%d results", results)
	}
	Run(ctx, config, target.Ready{}, plain(3), func(r Result) { t.Errorf("%s was run", r.Scenario.ID) })
}
