package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ranOnce checks that each request was answered, and that its handler ran once.
func (p *proof) ranOnce(names []string) {
	p.Helper()
	for _, name := range names {
		if r := p.await(name); r.Status != 200 || r.ID != filepath.Base(name) {
			p.Fatalf("%s: status %d, id %s", name, r.Status, r.ID)
		}
	}
	data, err := os.ReadFile(p.record())
	if err != nil {
		p.Fatal(err)
	}
	runs := map[string]int{}
	for line := range strings.Lines(string(data)) {
		runs[strings.TrimSpace(line)]++
	}
	for _, name := range names {
		if n := runs[filepath.Base(name)]; n != 1 {
			p.Errorf("%s was run %d times", name, n)
		}
	}
	if len(runs) != len(names) {
		p.Errorf("%d requests were run, %d were sent", len(runs), len(names))
	}
}

func (p *proof) dropMany(count int) []string {
	var names []string
	for n := range count {
		names = append(names, p.drop("record", fmt.Sprintf("sender%d@example.com", n%20)))
	}
	return names
}

func TestProofRequestsThatWaited(t *testing.T) {
	p := newProof(t, nil)
	names := p.dropMany(sized(20_000, 1000))
	p.start()
	p.ranOnce(names)
	p.noLeftovers()
}

// A suspended server that uses notifications loses those that overflow its queue. A
// server that polls has no such queue.
func TestProofRequestsWhileSuspended(t *testing.T) {
	p := newProof(t, nil)
	p.start()
	if err := suspend(p.process.PID()); err != nil {
		t.Skip(err)
	}
	names := p.dropMany(sized(20_000, 1000))
	resume(p.process.PID())
	p.ranOnce(names)
	p.noLeftovers()
}

func TestProofRequestsWhileItRuns(t *testing.T) {
	p := newProof(t, nil)
	p.start()
	p.ranOnce(p.dropMany(sized(5000, 500)))
	p.noLeftovers()
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Whenever the server is killed, in the end each request has one complete response, and
// no temporary file is left.
func TestProofKilledAtRandom(t *testing.T) {
	p := newProof(t, map[string]any{"poll_interval": "5ms"})
	var names []string
	interrupted := 0
	for n := range sized(100, 5) {
		p.start()
		kill := time.After(time.Duration(p.chance.IntN(60_000)) * time.Microsecond)
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			<-kill
			p.process.Kill()
		}()
		first := len(names)
		for m := 0; !isClosed(killed); m++ {
			names = append(names, p.drop("echo", fmt.Sprintf("sender%d-%d@example.com", n, m%3)))
			time.Sleep(100 * time.Microsecond)
		}
		answered, unanswered := 0, 0
		for _, name := range names[first:] {
			if _, ok := p.responseTo(name); ok {
				answered++
			} else {
				unanswered++
			}
		}
		if answered > 0 && unanswered > 0 {
			interrupted++
		}
	}
	if t.Logf("%d requests, %d kills interrupted the work on what had arrived", len(names), interrupted); *fullProof && interrupted == 0 {
		t.Error("no kill came while there was work")
	}
	p.start()
	for _, name := range names {
		if r := p.await(name); r.Status != 200 || r.ID != filepath.Base(name) {
			t.Errorf("%s: status %d, id %s", name, r.Status, r.ID)
		}
	}
	if err := p.process.Stop(time.Minute); err != nil {
		t.Fatal(err)
	}
	p.noLeftovers()
}
