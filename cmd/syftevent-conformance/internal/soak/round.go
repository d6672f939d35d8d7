package soak

import (
	"fmt"
	"slices"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// A round is a generated scenario. It begins with the start of the program under test, and ends when every request is
// answered, checked and removed.
type round struct {
	number int
	role   target.Role
	plans  []plan
	lines  []line
	files  []file
}

// A line is a command of the script.
type line struct {
	plan int // index of the plan that it belongs to
	text string
}

// A file is a file of the script.
type file struct {
	plan       int
	name, data string
}

// A plan is what happens to one request, or to the server: acts, with acts of other plans in
// between, and then checks.
type plan struct {
	kind   string // see kinds
	name   string
	acts   []act
	checks []string // {runs} in them is how often a handler runs the request
	files  []file

	requests int
}

// An act is a group of commands that stay together.
type act struct {
	lines []string
	// running reports whether the server must run.
	running bool
	// answered reports whether the request is answered after the act.
	answered bool
	// state is what the act does to the server: down, up, or nothing.
	state state
}

// A state is what an act does to the server.
type state int

const (
	suspended state = iota + 1
	stopped         // after the requests in flight
	killed          // what was not answered may run again
	up
)

// join returns rounds as one scenario, with the plans for which keep returns true.
func join(head string, rounds []*round, keep func(r, plan int) bool) []byte {
	var out, files strings.Builder
	fmt.Fprintf(&out, "# %s\n", head)
	for n, r := range rounds {
		if n == 0 {
			fmt.Fprintf(&out, "%s start\n", r.role)
		}
		for _, l := range r.lines {
			if keep(n, l.plan) {
				out.WriteString(l.text + "\n")
			}
		}
		if r.role == target.Server { // a client removes its pairs itself
			out.WriteString("collect\n")
		}
		for _, f := range r.files {
			if keep(n, f.plan) {
				fmt.Fprintf(&files, "-- %s --\n%s", f.name, f.data)
			}
		}
	}
	return []byte(out.String() + files.String())
}

func everything(int, int) bool { return true }

// merge puts the acts of all plans into an order, and the checks after them.
func (g *generator) merge(r *round) {
	next := make([]int, len(r.plans))
	var pending []int
	for i := range r.plans {
		pending = append(pending, i)
	}
	repeated := make([]bool, len(r.plans)) // may be run again after a kill
	emit := func(p int) act {
		a := r.plans[p].acts[next[p]]
		next[p]++
		for _, text := range a.lines {
			r.lines = append(r.lines, line{p, text})
		}
		for other, plan := range r.plans {
			begun := plan.acts[:next[other]]
			answered := slices.ContainsFunc(begun, func(a act) bool { return a.answered })
			// A server that stops need not keep the response to a request that is away.
			if len(begun) > 0 && !answered && (a.state == killed || a.state == stopped && plan.kind == Away) {
				repeated[other] = true
			}
		}
		return a
	}
	for len(pending) > 0 {
		i := g.IntN(len(pending))
		p := pending[i]
		if a := emit(p); a.state != 0 && a.state != up {
			for range g.IntN(10) {
				if other := pick(g.Rand, pending); other != p && next[other] < len(r.plans[other].acts) {
					if a := r.plans[other].acts[next[other]]; !a.running && a.state == 0 {
						emit(other)
					}
				}
			}
			emit(p)
		}
		for i := len(pending) - 1; i >= 0; i-- {
			if p := pending[i]; next[p] == len(r.plans[p].acts) {
				pending = append(pending[:i], pending[i+1:]...)
			}
		}
	}
	for _, p := range g.Perm(len(r.plans)) {
		runs := "1"
		if repeated[p] {
			runs = "1+"
		}
		for _, text := range r.plans[p].checks {
			r.lines = append(r.lines, line{p, strings.ReplaceAll(text, "{runs}", runs)})
		}
		for _, f := range r.plans[p].files {
			f.plan = p
			r.files = append(r.files, f)
		}
	}
}

// requests returns how many requests the round sends.
func (r *round) requests() (n int) {
	for _, p := range r.plans {
		n += p.requests
	}
	return n
}

// restarts returns how often the round starts the server again.
func (r *round) restarts() (n int) {
	for _, p := range r.plans {
		if p.kind == Restart || p.kind == Kill || p.kind == Backlog || p.kind == CallRestart {
			n++
		}
	}
	return n
}
