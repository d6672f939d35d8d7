//go:build unix

package lease

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// The leader drops the leases of servers that have ended while another goroutine looks.
func TestLeaseIsDroppedDuringLook(t *testing.T) {
	d := newDir(t)
	const name = "slow"
	path := filepath.Join(string(d), beatsDir, name)
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Skip(err)
	}
	o := NewObserver(d, testTimeout, "self")
	looked := make(chan error)
	go func() { looked <- o.Look(time.Now()) }()
	f, err := os.OpenFile(path, os.O_WRONLY, 0) // waits for the reader
	if err != nil {
		t.Fatal(err)
	}
	o.Drop(name)
	f.WriteString(`{"name":"slow"}`)
	f.Close()
	if err := <-looked; err != nil {
		t.Error(err)
	}
	if _, known := o.Find(name); known {
		t.Error("a dropped lease is known")
	}
}

// A heartbeat is silent from when it was read, not from when the look began.
func TestSlowLookMakesNobodySilent(t *testing.T) {
	d := newDir(t)
	a := holder(t, d)
	path := filepath.Join(string(d), beatsDir, "a-slow")
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Skip(err)
	}
	o := NewObserver(d, testTimeout, "self")
	now := time.Now()
	looked := make(chan error)
	go func() { looked <- o.Look(now) }()
	const slow = 300 * time.Millisecond
	time.Sleep(slow) // either one may be read first
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := <-looked; err != nil {
		t.Fatal(err)
	}
	os.Remove(path)
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.seen[a.Current().Name]
	if first := o.seen["a-slow"]; first.since.Sub(now) < slow {
		t.Errorf("read %v after the look began, although that took %v", first.since.Sub(now), slow)
	}
	if s.silent != 0 {
		t.Errorf("silent for %v", s.silent)
	}
}
