package spool

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// An empty file with the answer's name makes way only when it has stayed empty.
func TestPublishReplacesAnEmptyAnswer(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/a.in", asked)
	write(t, dir, "d/a.out", "")
	s := open(t, dir, nil)
	synctest.Test(t, func(t *testing.T) {
		publish := func() error { return s.Publish(Entry{"d", "a"}, []byte("answer")) }
		if err := publish(); !errors.Is(err, errEmpty) {
			t.Fatalf("at first sight: %v", err)
		}
		time.Sleep(1900 * time.Millisecond)
		later := time.Now().Add(time.Hour)
		os.Chtimes(filepath.Join(dir, "d/a.out"), later, later) // somebody is at it
		if err := publish(); !errors.Is(err, errEmpty) {
			t.Fatalf("after a change: %v", err)
		}
		time.Sleep(2 * time.Second)
		if err := publish(); err != nil {
			t.Fatal(err)
		}
		if got := read(t, dir, "d/a.out"); got != "answer" {
			t.Errorf("%q", got)
		}
	})
}

func TestRemoveEmpty(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "deep/er/b", "c", "d"} {
		write(t, dir, name+".in", asked)
		write(t, dir, name+".out", "")
	}
	write(t, dir, "d.out", "answer")
	s := open(t, dir, nil)
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error)
		go func() { ended <- s.RemoveEmpty(context.Background()) }()
		time.Sleep(time.Second)
		write(t, dir, "c.out", "came later")
		if names := found(s); names != nil {
			t.Errorf("too soon: %v", names)
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"a", "deep/er/b"}, found(s)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
