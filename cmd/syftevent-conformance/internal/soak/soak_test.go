package soak

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

func nothing(string) bool { return false }

func oneRound(seed uint64, number int) string {
	g := newGenerator(target.Server, 1, seed, maxBody, nothing)
	return string(join("", []*round{g.round(number)}, everything))
}

func TestRoundDependsOnSeedAndNumberAlone(t *testing.T) {
	g := newGenerator(target.Server, 1, 7, maxBody, nothing)
	for number := 1; number < 20; number++ {
		r := string(join("", []*round{g.round(number)}, everything))
		if r != oneRound(7, number) {
			t.Errorf("round %d is another one with a new generator", number)
		}
		if r == oneRound(8, number) || r == oneRound(7, number+1) {
			t.Errorf("round %d is that of another seed or number", number)
		}
	}
}

func TestRoundsHaveEveryKind(t *testing.T) {
	seen := map[string]bool{Flat: true, Stems: true, Times: true, InPlace: true} // they have no plan
	for _, role := range []target.Role{target.Server, target.Client} {
		for servers := 1; servers <= 3; servers += 2 {
			g := newGenerator(role, servers, 1, maxBody, nothing)
			for number := 1; number < 200; number++ {
				for _, p := range g.round(number).plans {
					seen[p.kind] = true
				}
			}
		}
	}
	for _, kind := range Kinds() {
		if !seen[kind] {
			t.Errorf("there is no %s", kind)
		}
	}
	g := newGenerator(target.Server, 1, 1, maxBody, func(kind string) bool { return kind != Echo })
	for number := 1; number < 20; number++ {
		for _, p := range g.round(number).plans {
			if p.kind != Echo {
				t.Fatalf("%s, which is left out", p.kind)
			}
		}
	}
}

// Between an act that stops the server and the one that starts it, nothing may need it.
func TestServerRunsWhenItIsNeeded(t *testing.T) {
	for _, servers := range []int{1, 3} {
		g := newGenerator(target.Server, servers, 2, maxBody, nothing)
		for number := 1; number < 100; number++ {
			checkServerRuns(t, g.round(number))
		}
	}
}

func checkServerRuns(t *testing.T, r *round) {
	t.Helper()
	number, running := r.number, true
	for _, l := range r.lines {
		words := strings.Fields(l.text)
		switch command := strings.Join(words[:min(2, len(words))], " "); {
		case command == "server stop", command == "server kill", command == "server suspend":
			if !running {
				t.Fatalf("round %d: %s without a server", number, command)
			}
			running = false
		case command == "server start", command == "server resume":
			running = true
		case !running && slices.Contains([]string{"expect", "running", "canary", "same", "ran", "answered"}, words[0]):
			t.Errorf("round %d: %q without a server", number, l.text)
		}
	}
	if !running {
		t.Errorf("round %d ends without a server", number)
	}
}

// A killed server may run again what it had not answered.
func TestKillAllowsAnotherRun(t *testing.T) {
	send := act{lines: []string{"send"}}
	expect := act{lines: []string{"expect"}, running: true, answered: true}
	for _, test := range []struct {
		kind string
		acts []act
		by   state
		want []string // for any order of the acts
	}{
		{Record, []act{send}, killed, []string{"ran 1", "ran 1+"}},
		{Record, []act{expect}, killed, []string{"ran 1"}},
		{Record, []act{send}, stopped, []string{"ran 1"}},
		{Record, []act{send}, suspended, []string{"ran 1"}},
		{Away, []act{send}, stopped, []string{"ran 1", "ran 1+"}},
		{Record, []act{send}, besideKilled, []string{"ran 1", "ran 1+"}},
		{Record, []act{send}, besideStopped, []string{"ran 1"}},
	} {
		var got []string
		for seed := range uint64(50) {
			g := &generator{Rand: rand.New(rand.NewPCG(seed, 0))}
			r := &round{plans: []plan{
				{kind: test.kind, acts: test.acts, checks: []string{"ran {runs}"}},
				{kind: Kill, acts: []act{{state: test.by, running: true, lines: []string{"down"}}, {state: up, lines: []string{"up"}}}},
			}}
			g.merge(r)
			for _, l := range r.lines {
				if strings.HasPrefix(l.text, "ran ") {
					got = append(got, l.text)
				}
			}
		}
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, test.want) {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

func TestJoinLeavesOutPlans(t *testing.T) {
	g := newGenerator(target.Server, 1, 3, maxBody, nothing)
	r := g.round(1)
	whole := join("", []*round{r}, everything)
	for kept := range r.plans {
		text := join("", []*round{r}, func(_, plan int) bool { return plan == kept })
		for line := range bytes.Lines(text) {
			if !bytes.Contains(whole, line) {
				t.Fatalf("%q is not in the round", line)
			}
		}
		for other, p := range r.plans {
			if other != kept && bytes.Contains(text, []byte(" "+p.name+" ")) {
				t.Errorf("%s is there without its plan", p.name)
			}
		}
	}
}

// soakOf returns the leak that a soak finds in a server. use returns what it uses after a round, of which
// some are repeated; played is how many it has been through.
func soakOf(rounds, folders int, use func(number, played int) target.Resources) (found *script.Failure) {
	var l life
	played := 0
	play := func(number int) measured {
		m := measured{Resources: use(number, played), folders: played * folders, round: number}
		played++
		return m
	}
	for n := range rounds {
		growth := l.add(play(n))
		if growth == nil {
			continue
		}
		var again []measured
		for _, m := range growth.half {
			again = append(again, play(m.round))
		}
		if failure := growth.goesOn(again); failure != nil {
			return failure
		}
		l.extend(again)
	}
	return nil
}

func TestLifeFindsLeaks(t *testing.T) {
	start := target.Resources{Memory: 30 << 20, Threads: 10, Descriptors: 20}
	for _, test := range []struct {
		each    target.Resources
		folders int
		want    string
	}{
		{target.Resources{}, 0, ""},
		{target.Resources{Memory: 16 << 20}, 0, "memory"},
		{target.Resources{Threads: 2}, 0, "threads"},
		{target.Resources{Descriptors: 1}, 0, "descriptors"},
		{target.Resources{Descriptors: 1}, 1, ""},
		{target.Resources{Descriptors: 3}, 1, "descriptors"},
	} {
		found := soakOf(120, test.folders, func(_, played int) target.Resources {
			used := start
			used.Memory += int64(played) * test.each.Memory
			used.Threads += played * test.each.Threads
			used.Descriptors += played * test.each.Descriptors
			return used
		})
		if (found == nil) != (test.want == "") || found != nil && !strings.Contains(found.Expected, test.want) {
			t.Errorf("%+v: %+v", test, found)
		}
	}
}

func TestLifeAllowsWhatIsNoLeak(t *testing.T) {
	for what, needed := range map[string]func(round int) int{ // MiB
		"what grows and shrinks":   func(round int) int { return round % 7 * 100 },
		"what a burst needed once": func(round int) int { return min(round/20, 1) * 500 },
		// A garbage collector keeps what the largest rounds needed, and these are late.
		"what ever larger rounds needed": func(round int) int { return 300 * min(round/5, 5) },
	} {
		found := soakOf(100, 0, func(number, _ int) target.Resources {
			return target.Resources{Memory: int64(needed(number)) << 20, Threads: 10 + needed(number)/3}
		})
		if found != nil {
			t.Errorf("%s: %+v", what, found)
		}
	}
	if found := soakOf(100, 120, func(_, played int) target.Resources { return target.Resources{Descriptors: 20 + played} }); found != nil {
		t.Errorf("a descriptor for some folders: %+v", found)
	}
}

func TestRepeatedRoundHasOtherNames(t *testing.T) {
	g := newGenerator(target.Server, 1, 5, maxBody, nothing)
	once, again := g.round(9), g.repeat(9, 3)
	if len(once.plans) != len(again.plans) || once.requests() != again.requests() {
		t.Fatalf("%d plans and %d requests, repeated %d and %d", len(once.plans), once.requests(), len(again.plans), again.requests())
	}
	for i, p := range once.plans {
		if q := again.plans[i]; p.kind != q.kind || p.name == q.name {
			t.Errorf("plan %d: %s %s, repeated %s %s", i, p.kind, p.name, q.kind, q.name)
		}
	}
}

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{
		"plain-1.2_@+": "plain-1.2_@+", "": "''", "a b": "'a b'", "it's": "'it''s'", "#": "'#'", "$HOME": "'$HOME'", "*": "'*'",
	} {
		if got := quote(word); got != want {
			t.Errorf("%q: %s", word, got)
		}
	}
}
