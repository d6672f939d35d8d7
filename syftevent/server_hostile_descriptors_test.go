//go:build linux

package syftevent_test

import (
	"fmt"
	"testing"
	"time"
)

// A server with few descriptors answers many senders, leaves some descriptors to its
// program, and recovers after the program has used them all.
func TestProofDescriptors(t *testing.T) {
	p := newProof(t, "")
	p.settings.Files = 128
	p.start()
	var letters []letter
	for range 2 {
		for n := range 300 {
			letters = append(letters, p.write("record", fmt.Sprintf("sender%d@example.com", n), nil))
		}
	}
	p.awaitAll(200, letters)
	if reply := p.child.ask("open"); reply != "opened <nil>" {
		t.Errorf("the program's own files: %s", reply)
	}

	if reply := p.child.ask("take"); reply == "taken 0" {
		t.Errorf("descriptors left to the program: %s", reply)
	}
	for n := range 300 {
		letters = append(letters, p.write("record", fmt.Sprintf("sender%d@example.com", n), nil))
		letters = append(letters, p.write("record", fmt.Sprintf("late%d@example.com", n), nil))
	}
	time.Sleep(time.Duration(sized(10, 2)) * time.Second) // of failures
	p.child.ask("give")
	began := time.Now()
	p.awaitAll(200, letters)
	t.Logf("recovered within %v", time.Since(began).Round(time.Millisecond))
	runs := p.runs()
	for _, l := range letters {
		if n := runs[l.id]; n != 1 {
			t.Errorf("%s was run %d times", l.id, n)
		}
	}
	p.child.stop()
}

// With very few descriptors, the server starts and answers slowly.
func TestProofFewDescriptors(t *testing.T) {
	p := newProof(t, "")
	p.settings.Files = 64
	var letters []letter
	for n := range 100 {
		letters = append(letters, p.write("echo", fmt.Sprintf("sender%d@example.com", n), nil))
	}
	p.start()
	p.awaitAll(200, letters)
	p.child.stop()
}
