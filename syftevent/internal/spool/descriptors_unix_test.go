//go:build unix

package spool

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// inChildWithDescriptors runs a test in a process of its own with a limit of open
// descriptors. It reports whether this is that process.
func inChildWithDescriptors(t *testing.T, limit uint64) bool {
	const variable = "SPOOL_TEST_CHILD"
	if os.Getenv(variable) == t.Name() {
		var few syscall.Rlimit
		setLimit(&few.Cur, limit)
		setLimit(&few.Max, limit)
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
			t.Fatal(err)
		}
		return true
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=1m")
	child.Env = append(os.Environ(), variable+"="+t.Name())
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// setLimit sets a field of syscall.Rlimit, which is an int64 on FreeBSD.
func setLimit[T int64 | uint64](field *T, limit uint64) { *field = T(limit) }

// publishAll publishes the outputs of found inputs concurrently, until count are published.
func publishAll(t *testing.T, s *Spool, count int) {
	t.Helper()
	var mu sync.Mutex
	published := 0
	var working sync.WaitGroup
	workers := make(chan struct{}, 64)
	began := time.Now()
	for {
		s.Scan(func(e Entry) Verdict {
			select {
			case workers <- struct{}{}:
			default:
				return NoRoom
			}
			working.Go(func() {
				defer func() { s.Done(e); <-workers }()
				if _, state, err := s.Read(e, 1<<20); err != nil || state != Whole {
					return
				}
				if err := s.Publish(e, []byte("answer")); err == nil {
					mu.Lock()
					published++
					mu.Unlock()
				}
			})
			return Taken
		})
		mu.Lock()
		n := published
		mu.Unlock()
		if n == count {
			break
		}
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%d of %d are published", n, count)
		}
		time.Sleep(time.Millisecond)
	}
	working.Wait()
}

// All inputs get their outputs, even with fewer descriptors than directories.
func TestPublishesInManyDirectoriesWithFewDescriptors(t *testing.T) {
	if !inChildWithDescriptors(t, 128) {
		return
	}
	const count = 300
	dir := t.TempDir()
	for n := range count {
		write(t, dir, fmt.Sprint("d", n), "a.in", sampleInput)
	}
	s := open(t, dir, nil)
	publishAll(t, s, count)
}

// The spool recovers after the process has run out of descriptors for a while.
func TestRecoversWhenDescriptorsAreFreeAgain(t *testing.T) {
	if !inChildWithDescriptors(t, 128) {
		return
	}
	const count = 100
	dir := t.TempDir()
	for n := range count {
		write(t, dir, fmt.Sprint("d", n), "a.in", sampleInput)
	}
	s := open(t, dir, nil)
	publishAll(t, s, count)
	for n := range count {
		write(t, dir, fmt.Sprint("d", n), "b.in", sampleInput)
		write(t, dir, fmt.Sprint("new", n), "b.in", sampleInput)
	}
	var held []*os.File
	for range 5 {
		for {
			f, err := os.Open(dir)
			if err != nil {
				break
			}
			held = append(held, f)
		}
		s.Scan(func(e Entry) Verdict {
			defer s.Done(e)
			if _, _, err := s.Read(e, 1<<20); err != nil {
				t.Errorf("%v: %v", e, err)
			}
			return Taken
		})
	}
	if n := s.Figures().Descriptors; n >= 32 {
		t.Errorf("the budget is still %d", n)
	}
	for _, f := range held {
		f.Close()
	}
	publishAll(t, s, 2*count)
}

// Without descriptors Exists cannot know the answer, and returns the error.
func TestExistsWithoutDescriptors(t *testing.T) {
	if !inChildWithDescriptors(t, 64) {
		return
	}
	dir := t.TempDir()
	write(t, dir, "d/a", "x")
	s := open(t, dir, nil)
	for {
		f, err := os.Open(dir)
		if err != nil {
			break
		}
		defer f.Close()
	}
	if there, err := s.Exists("d/a"); !rootfs.IsOutOfDescriptors(err) {
		t.Errorf("exists: %v, %v", there, err)
	}
}
