package runner

import (
	"fmt"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// invariants collects, while scenarios run, the results of those that have no script.
type invariants struct {
	config    Config
	scenarios []scenario.Scenario
	first     map[string]Result // the first violation, by id
	violated  map[string]int    // the number of scenarios
	observed  int               // scenarios
}

// take removes the invariants from a list and keeps them.
func (v *invariants) take(list []scenario.Scenario) (others []scenario.Scenario) {
	v.first, v.violated = map[string]Result{}, map[string]int{}
	for _, s := range list {
		if s.Always {
			v.scenarios = append(v.scenarios, s)
		} else {
			others = append(others, s)
		}
	}
	return others
}

// add adds what was observed while a scenario ran.
func (v *invariants) add(r Result) {
	if r.observed {
		v.observed++
	}
	for _, violation := range r.violations {
		id := violation.Scenario.ID
		if v.violated[id]++; v.violated[id] > 1 {
			continue
		}
		violation.Failure.Line = fmt.Sprintf("%s, in scenario %s", violation.Failure.Line, r.Scenario.ID)
		violation.During, violation.Duration = r.Scenario.ID, r.Duration
		v.first[id] = violation
	}
}

// results returns a result for each invariant.
func (v *invariants) results() (list []Result) {
	for _, s := range v.scenarios {
		r, violated := v.first[s.ID]
		r.Scenario = s
		switch {
		case v.observed == 0:
			r.Outcome, r.Problem = NotApplicable, "it is checked while other scenarios run, and none of them started a server"
		case !violated:
			r.Outcome = Pass
		default:
			r.Outcome = Fail
			if s.Level() != spec.Must && !v.config.Strict {
				r.Outcome = Warn
			}
			r.Failure.Actual += fmt.Sprintf("; in %d of %d scenarios", v.violated[s.ID], v.observed)
		}
		list = append(list, r)
	}
	return list
}
