//go:build linux

package syftevent_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var proofFolders = flag.Int("prooffolders", 20_000, "how many folders TestProofFolders makes")

// idleTime is how long CPU use is measured.
const idleTime = 10 * time.Second

// One sender has very many folders. The test checks that an honest sender is answered, and
// prints its latency.
func TestProofFolders(t *testing.T) {
	if !*fullProof {
		t.Skip("measures: with -proof")
	}
	count := *proofFolders
	for _, kind := range []struct{ name, pattern string }{
		{"folders of endpoints that no route has made", "x%d/evil@example.com"},
		{"folders below an endpoint", "echo/x%d/evil@example.com"},
		{"folders below the sender's", "echo/evil@example.com/x%d"},
		{"folders of senders", "echo/evil%d@example.com"},
	} {
		t.Run(kind.name, func(t *testing.T) {
			p := newProof(t, "")
			p.start()
			p.honest()
			began := time.Now()
			for n := range count {
				if err := os.MkdirAll(filepath.Join(p.rpc(), filepath.FromSlash(fmt.Sprintf(kind.pattern, n))), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%d folders made in %v", count, time.Since(began).Round(time.Millisecond))
			p.latencies("while the server runs")
			p.child.stop()
			began = time.Now()
			p.start()
			p.honest()
			t.Logf("restart: ready, and one request answered, after %v", time.Since(began).Round(time.Millisecond))
			p.latencies("after a restart")
			idle := p.cpuTime()
			time.Sleep(idleTime)
			t.Logf("idle: %.1f %% of a core", float64(p.cpuTime()-idle)/idleTime.Seconds())
			p.peak("at last")
			p.child.stop()
		})
	}
}

// latencies prints the latency of an honest sender with rare requests.
func (p *proof) latencies(when string) {
	p.Helper()
	var took []time.Duration
	for range 15 {
		time.Sleep(700 * time.Millisecond)
		began := time.Now()
		p.honest()
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	p.Logf("%s: an honest sender waits p50 %v, p95 %v, at most %v", when,
		took[len(took)/2].Round(time.Millisecond), took[len(took)*95/100].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
}

// cpuTime returns the CPU time of the child, in hundredths of a second.
func (p *proof) cpuTime() int64 {
	p.Helper()
	var user, system int64
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.child.cmd.Process.Pid))
	if err != nil {
		p.Fatal(err)
	}
	// After the name, which is in parentheses: the 12th and 13th of the fields.
	rest := string(data[slices.Index(data, ')')+2:])
	var skip string
	if _, err := fmt.Sscan(rest, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &user, &system); err != nil {
		p.Fatal(err)
	}
	return user + system
}
