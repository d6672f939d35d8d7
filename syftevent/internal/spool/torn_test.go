package spool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

// Publish replaces an empty output only if it has not changed for the settle time.
func TestPublishReplacesAnEmptyOutput(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/a.in", sampleInput)
	write(t, dir, "d/a.out", "")
	s := open(t, dir, nil)
	synctest.Test(t, func(t *testing.T) {
		publish := func() error { return s.Publish(Entry{"d", "a"}, []byte("answer")) }
		if err := publish(); !errors.Is(err, rootfs.ErrIncomplete) {
			t.Fatalf("at first: %v", err)
		}
		time.Sleep(1900 * time.Millisecond)
		later := time.Now().Add(time.Hour)
		os.Chtimes(filepath.Join(dir, "d/a.out"), later, later) // it is still being written
		if err := publish(); !errors.Is(err, rootfs.ErrIncomplete) {
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

// mend runs Mend until the end of the test, and returns a function that ends it.
func mend(t *testing.T, s *Spool) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Mend(ctx)
	}()
	return func() { cancel(); <-ended }
}

// wholeObject is an Options.Valid.
func wholeObject(content io.ReaderAt, size int64) bool {
	data, err := io.ReadAll(io.NewSectionReader(content, 0, size))
	return err == nil && json.Valid(data) && data[0] == '{'
}

// tornContents are what a crash can leave of an output.
var tornContents = map[string]string{
	"empty": "", "half": `{"status":20`, "nuls": "\x00\x00\x00", "tail": "{\"status\":\x00\x00", "other": "nonsense", "array": "[]",
}

// Mend removes what a crash has left, after the settle time, and nothing else.
func TestMendAtStart(t *testing.T) {
	dir := t.TempDir()
	var torn []string
	for stem, content := range tornContents {
		write(t, dir, "deep/er/"+stem+".in", sampleInput)
		write(t, dir, "deep/er/"+stem+".out", content)
		torn = append(torn, "deep/er/"+stem)
	}
	slices.Sort(torn)
	write(t, dir, "changes.in", sampleInput)
	write(t, dir, "changes.out", "")
	write(t, dir, "paired.in", sampleInput)
	write(t, dir, "paired.out", `{"status":200}`)
	write(t, dir, "orphan.out", "")
	s := open(t, dir, func(o *Options) { o.Valid = wholeObject })
	synctest.Test(t, func(t *testing.T) {
		defer mend(t, s)()
		if names := found(s); names != nil {
			t.Errorf("found before the settle time: %v", names)
		}
		time.Sleep(time.Second)
		write(t, dir, "changes.out", `{"came":"later"}`)
		if names := found(s); names != nil {
			t.Errorf("too soon: %v", names)
		}
		time.Sleep(1100 * time.Millisecond)
		if diff := cmp.Diff(torn, found(s)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		time.Sleep(time.Minute)
		if got := tree(t, dir); !slices.Contains(got, "orphan.out") || !slices.Contains(got, "paired.out") || !slices.Contains(got, "changes.out") {
			t.Errorf("left: %v", got)
		}
	})
}

// A torn output that appears while Mend runs is removed as well, unless it is still
// being written.
func TestMendWhileRunning(t *testing.T) {
	for _, remote := range []bool{false, true} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			s := open(t, dir, func(o *Options) { o.Valid = wholeObject })
			s.trusted = !remote
			defer mend(t, s)()
			found(s)
			time.Sleep(time.Minute)
			var torn []string
			for stem, content := range tornContents {
				write(t, dir, "d/"+stem+".in", sampleInput)
				write(t, dir, "d/"+stem+".out", content)
				torn = append(torn, "d/"+stem)
			}
			slices.Sort(torn)
			write(t, dir, "d/slow.in", sampleInput)
			for n := range 40 {
				write(t, dir, "d/slow.out", strings.Repeat("{", n)) // in place
				found(s)
				time.Sleep(time.Second)
			}
			if diff := cmp.Diff(torn, found(s)); diff != "" {
				t.Errorf("remote %v: (-want +got):\n%s", remote, diff)
			}
			time.Sleep(2*(mendPause+s.settleTime()) + time.Second)
			if names := found(s); !slices.Contains(names, "d/slow") {
				t.Errorf("remote %v: not removed after the last write: %v", remote, names)
			}
		})
	}
}

// A pass lists nothing if nothing has changed.
func TestMendListsOnlyWhatHasChanged(t *testing.T) {
	dir := t.TempDir()
	reads := 0
	s := open(t, dir, func(o *Options) {
		o.Valid = func(io.ReaderAt, int64) bool { reads++; return true }
	})
	if !s.Trusted() {
		t.Skip("mtimes of this file system are not trusted")
	}
	for n := range 20 {
		write(t, dir, "d", fmt.Sprint(n, ".in"), sampleInput)
		write(t, dir, "d", fmt.Sprint(n, ".out"), "{}")
	}
	found(s)
	m := newMender(s)
	m.pass(t.Context())
	if reads != 20 {
		t.Errorf("%d outputs read at first, want 20", reads)
	}
	// Make the outputs old enough for the stamp to be trusted.
	d := s.directories.get("d")
	d.mended.newest += 2 * racyWindow.Nanoseconds()
	for range 3 {
		m.pass(t.Context())
	}
	if reads != 20 {
		t.Errorf("%d outputs read, want no more", reads-20)
	}
	if d.mendAgain {
		t.Error("listed again without a change")
	}
	d.mended.newest -= 4 * racyWindow.Nanoseconds()
	write(t, dir, "d/new.in", sampleInput)
	write(t, dir, "d/new.out", "{}")
	m.pass(t.Context())
	if reads != 41 {
		t.Errorf("%d outputs read after a change", reads-20)
	}
}

// Figures may be called by a logger, while the spool logs.
func TestLoggerMayCallFigures(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.in", sampleInput)
	write(t, dir, "a.out", "")
	handler := &figuresHandler{Handler: slog.DiscardHandler}
	s := open(t, dir, func(o *Options) { o.Settle, o.Logger = -1, slog.New(handler) })
	handler.spool = s
	if err := s.Publish(Entry{".", "a"}, []byte("answer")); err != nil || handler.calls != 1 {
		t.Errorf("%v, %d calls", err, handler.calls)
	}
	s.mu.Lock()
	s.descriptors = descriptors{budget: dirHandleLimit() - 1, short: true}
	s.mu.Unlock()
	if _, err := s.HasName(".", func(string) bool { return true }); err != nil || handler.calls != 2 {
		t.Errorf("%v, %d calls", err, handler.calls)
	}
}

// A figuresHandler reads the figures whenever something is logged.
type figuresHandler struct {
	slog.Handler
	spool *Spool
	calls int
}

func (h *figuresHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *figuresHandler) Handle(context.Context, slog.Record) error {
	if h.spool != nil {
		h.spool.Figures()
		h.calls++
	}
	return nil
}
