package runner

import (
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

func TestInvariantsHaveOneResult(t *testing.T) {
	must, should := spec.Requirement{ID: "x", Level: spec.Must}, spec.Requirement{ID: "y", Level: spec.Should}
	invariant := func(id string, covers spec.Requirement) scenario.Scenario {
		return scenario.Scenario{ID: id, Covers: []spec.Requirement{covers}, Always: true}
	}
	violation := func(id string) Result {
		return Result{Scenario: scenario.Scenario{ID: id}, Failure: &script.Failure{Line: "f", Actual: "bad"}}
	}
	v := invariants{}
	others := v.take([]scenario.Scenario{{ID: "a"}, invariant("holds", must), invariant("must", must), {ID: "b"}, invariant("should", should)})
	if len(others) != 2 {
		t.Errorf("others: %v", others)
	}
	for _, r := range v.results() {
		if r.Outcome != NotApplicable {
			t.Errorf("%s without an observed scenario: %s", r.Scenario.ID, r.Outcome)
		}
	}
	v.add(Result{Scenario: scenario.Scenario{ID: "a"}, observed: true, violations: []Result{violation("must"), violation("should")}})
	v.add(Result{Scenario: scenario.Scenario{ID: "b"}, observed: true, violations: []Result{violation("must")}})
	v.add(Result{Scenario: scenario.Scenario{ID: "c"}})
	want := map[string]Outcome{"holds": Pass, "must": Fail, "should": Warn}
	results := v.results()
	for _, r := range results {
		if r.Outcome != want[r.Scenario.ID] {
			t.Errorf("%s: %s, want %s", r.Scenario.ID, r.Outcome, want[r.Scenario.ID])
		}
	}
	if len(results) != 3 {
		t.Fatalf("%d results", len(results))
	}
	if f := results[1]; f.During != "a" || !strings.Contains(f.Failure.Line, "in scenario a") || !strings.Contains(f.Failure.Actual, "2 of 2 scenarios") {
		t.Errorf("%+v, %+v", f, f.Failure)
	}
}
