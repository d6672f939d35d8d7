package spool

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

func TestNudgesAreSpaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		n := startNudges(5*time.Millisecond, func(nudge) { at = append(at, time.Since(begin)) })
		for range 3 {
			n.add(nudge{published: rootfs.Version{Size: 10}, notBefore: begin.Add(KnownFor)})
		}
		n.add(nudge{published: rootfs.Version{Size: rootfs.MaxTouchSize + 1}})
		time.Sleep(time.Second)
		n.add(nudge{published: rootfs.Version{Size: 10}})
		n.close()
		want := []time.Duration{25 * time.Millisecond, 30 * time.Millisecond, 35 * time.Millisecond, time.Second}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestLateNudgesAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := 0
		n := startNudges(time.Second, func(nudge) { done++ })
		for range 100 {
			n.add(nudge{published: rootfs.Version{}, notBefore: time.Now().Add(time.Millisecond)})
		}
		time.Sleep(time.Minute)
		n.close()
		if done < 6 || done > 7 {
			t.Errorf("%d nudges, want those of the first 5 seconds", done)
		}
	})
}

func TestCloseWaitsASecondForNudges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := 0
		n := startNudges(400*time.Millisecond, func(nudge) { done++ })
		for range 10 {
			n.add(nudge{published: rootfs.Version{}})
		}
		begin := time.Now()
		n.close()
		if waited := time.Since(begin); waited != nudgeGrace || done != 3 {
			t.Errorf("%d nudges in %v, want 3 in %v", done, waited, nudgeGrace)
		}
	})
}

// A nudge is visible as a modification, and does not change the content.
func TestTouch(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	write(t, dir, "a.out", "answer")
	name := filepath.Join(dir, "a.out")
	long := time.Now().Add(-time.Hour)
	os.Chtimes(name, long, long)
	published, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	s.touch(nudge{dir: ".", name: "a.out", published: rootfs.VersionOf(published)})
	after, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, name); got != "answer" {
		t.Errorf("content %q", got)
	}
	// Any watcher can see a new modification time.
	if !after.ModTime().After(published.ModTime()) {
		t.Errorf("modified %v, before %v", after.ModTime(), published.ModTime())
	}

	write(t, dir, "b.out", "another's")
	other, err := os.Lstat(filepath.Join(dir, "b.out"))
	if err != nil {
		t.Fatal(err)
	}
	os.Chtimes(name, long, long)
	s.touch(nudge{dir: ".", name: "a.out", published: rootfs.VersionOf(other)})
	if after, _ := os.Lstat(name); !after.ModTime().Equal(published.ModTime()) {
		t.Error("a file of another version was touched")
	}
}

// An empty file has no byte to rewrite, and a new one would make it look like an output.
func TestTouchLeavesAnEmptyFileEmpty(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.out", "")
	s := open(t, dir, nil)
	published, err := os.Lstat(filepath.Join(dir, "a.out"))
	if err != nil {
		t.Fatal(err)
	}
	s.touch(nudge{dir: ".", name: "a.out", published: rootfs.VersionOf(published)})
	if got := read(t, dir, "a.out"); got != "" {
		t.Errorf("content %q", got)
	}
}
