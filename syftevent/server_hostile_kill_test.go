//go:build linux

package syftevent_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

// A server may be killed at any time: each request gets one complete response, which never
// changes, and only requests without one run again.
func TestProofKilledInALoop(t *testing.T) {
	p := newProof(t, "")
	t.Logf("seed %d", *proofSeed)
	chance := rand.New(rand.NewPCG(*proofSeed, 0))
	var letters []letter
	first := map[string][]byte{}  // the response to each request, when it was seen first
	killed := map[string]int{}    // how often the server was killed while each was unanswered
	check := func(old []letter) { // after a kill
		for _, l := range old {
			data := p.read(l)
			switch seen := first[l.id]; {
			case data == nil && seen != nil:
				t.Errorf("%s: the response has vanished", l.name)
			case data == nil:
				killed[l.id]++
			case seen == nil:
				first[l.id] = data
			case !bytes.Equal(data, seen):
				t.Errorf("%s: the response has changed:\n%s\n%s", l.name, seen, data)
			}
		}
	}
	kills := 0
	for began := time.Now(); time.Since(began) < proofDuration(); kills++ {
		p.launch() // and does not wait until it is ready
		over := time.Now().Add(time.Duration(20+chance.IntN(200)) * time.Millisecond)
		for n := 0; time.Now().Before(over); n++ {
			endpoint := []string{"record", "record", "slow"}[n%3]
			letters = append(letters, p.write(endpoint, fmt.Sprintf("sender%d@example.com", chance.IntN(10)), map[string]any{
				"body": bytes.Repeat([]byte("x"), chance.IntN(10_000)),
			}))
			time.Sleep(time.Duration(chance.IntN(2_000_000)))
		}
		p.child.kill()
		check(letters)
	}
	p.start()
	for _, l := range letters {
		// A request that was in flight at three kills may count as their cause.
		if status := p.await(l); status != 200 && (status != 500 || killed[l.id] < 3) {
			t.Errorf("%s: status %d after %d kills", l.name, status, killed[l.id])
		}
	}
	p.child.stop()
	check(letters)
	again, most := 0, 0
	for id, n := range p.runs() {
		if n > 1 {
			again++
		}
		if most = max(most, n); n > 1+killed[id] {
			t.Errorf("%s was run %d times, though only %d kills found it unanswered", id, n, killed[id])
		}
	}
	if left, err := filepath.Glob(filepath.Join(p.rpc(), "*", "*", ".syftevent-*")); len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
	t.Logf("%d kills, %d requests, %d of them run again, the most %d times", kills, len(letters), again, most)
}

// A request whose handler kills the process does not run again forever, and other requests
// are answered.
func TestProofPoison(t *testing.T) {
	p := newProof(t, "")
	poison := p.write("exit", "evil@example.com", nil)
	var others []letter
	for n := range 20 {
		others = append(others, p.write("record", fmt.Sprintf("sender%d@example.com", n), nil))
	}
	starts := 0
	for dead := true; dead && starts < 10; starts++ {
		c := p.launch()
		for dead = false; !dead && p.read(poison) == nil; time.Sleep(5 * time.Millisecond) {
			dead = c.ended()
		}
	}
	runs := p.runs()[poison.id]
	t.Logf("the server was started %d times, the poison was run %d times", starts, runs)
	data := p.read(poison)
	if data == nil {
		t.Fatalf("the poison has no response after %d starts", starts)
	}
	if status := statusIn(data); status != 500 || runs > 3 {
		t.Errorf("the poison: status %d, %d runs", status, runs)
	}
	p.awaitAll(200, others)
	p.child.stop()
}
