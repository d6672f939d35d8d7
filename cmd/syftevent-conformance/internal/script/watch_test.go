package script

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// untimed ignores the times of events.
var untimed = cmpopts.IgnoreFields(Event{}, "At")

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWatchAddsChanges(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "echo/.syftkeep", "")
	write(t, dir, "echo/c@x.org/1.request", "{}")
	write(t, dir, "echo/c@x.org/2.request", "{}")
	write(t, dir, "echo/c@x.org/4.request/not-a-request", "")

	// The first scan adds the existing files, the last one their final state.
	s := &timeline{began: time.Now()}
	w := startWatch(dir, s, nil, false)
	write(t, dir, "echo/c@x.org/1.response", "{}\n")
	write(t, dir, "echo/c@x.org/2.request", "{} ")
	if err := os.RemoveAll(filepath.Join(dir, "echo/c@x.org/1.request")); err != nil {
		t.Fatal(err)
	}
	w.end()
	// By kind of change: the number of scans varies.
	got := map[Change][]string{}
	for _, e := range s.all() {
		got[e.Change] = append(got[e.Change], e.What)
	}
	got[Modified] = got[Modified][len(got[Modified])-1:] // a scan may have seen the truncated file too
	want := map[Change][]string{
		Appeared: {"echo/c@x.org/1.request", "echo/c@x.org/2.request", "echo/c@x.org/4.request", "echo/c@x.org/4.request/not-a-request", "echo/c@x.org/1.response"},
		Modified: {"echo/c@x.org/2.request"},
		Vanished: {"echo/c@x.org/1.request"},
	}
	if diff := cmp.Diff(want, got, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSilentWatchSkipsExistingFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "old", "x")
	s := &timeline{began: time.Now()}
	w := startWatch(dir, s, nil, true)
	if err := os.Mkdir(filepath.Join(dir, "new.response"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.end()
	if diff := cmp.Diff([]Event{{Change: Appeared, What: "new.response", Size: -1}}, s.all(), untimed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWatchOfMissingFolder(t *testing.T) {
	s := &timeline{began: time.Now()}
	startWatch(filepath.Join(t.TempDir(), "none"), s, nil, false).end()
	if events := s.all(); len(events) > 0 {
		t.Errorf("%v", events)
	}
}

func TestTimelineIsBounded(t *testing.T) {
	s := &timeline{began: time.Now()}
	for range maxEvents + 7 {
		s.add(Appeared, "x", 1)
	}
	got := s.all()
	if len(got) != maxEvents+1 {
		t.Fatalf("%d events", len(got))
	}
	want := Event{Change: Omitted, What: "at least 7 more events are left out", Size: -1}
	if diff := cmp.Diff(want, got[maxEvents], untimed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
