package soak

import (
	"fmt"
	"slices"
	"strings"
)

// A round is a generated scenario. It begins with the start of the program under test, and ends when every request is
// answered, checked and removed.
type round struct {
	number int
	start  []string // commands that start the program under test
	// collects reports whether the suite removes the pairs. A client removes its own.
	collects bool
	plans    []plan
	lines    []line
	files    []file
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
	// state is what the act does to the server, or to one of those beside it: down, up, or nothing.
	state state
}

// A state is what an act does to a server.
type state int

const (
	suspended state = iota + 1
	stopped         // after the requests in flight
	killed          // what was not answered may run again
	up
	besideStopped // one beside it has stopped
	besideKilled  // one beside it was killed or suspended, so that others take over its requests
)

// mayRerun reports whether requests of a kind that have begun and are not answered may be run again
// after the state.
func (s state) mayRerun(kind string) bool {
	switch s {
	case killed, besideKilled:
		return true
	case stopped, besideStopped:
		return kind == Away // its response need not be kept
	}
	return false
}

// isDown reports whether the server under test does not run.
func (s state) isDown() bool { return s == suspended || s == stopped || s == killed }

// join returns rounds as one scenario, with the plans for which keep returns true.
func join(head string, rounds []*round, keep func(r, plan int) bool) []byte {
	var out, files strings.Builder
	fmt.Fprintf(&out, "# %s\n", head)
	for n, r := range rounds {
		if n == 0 {
			for _, command := range r.start {
				out.WriteString(command + "\n")
			}
		}
		for _, l := range r.lines {
			if keep(n, l.plan) {
				out.WriteString(l.text + "\n")
			}
		}
		if r.collects {
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
			if len(begun) > 0 && !answered && a.state.mayRerun(plan.kind) {
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
					if next := r.plans[other].acts[next[other]]; next.state == 0 && !(next.running && a.state.isDown()) {
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
