package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newReplyLog(dir string) *replyLog {
	return &replyLog{dir: dir, names: replyLogNames, logger: slog.New(slog.DiscardHandler)}
}

// restored returns the reply cache of a process that is started at a time.
func restored(dir string, now time.Time) *replyCache {
	m := newReplyCache(republishDelay)
	l := newReplyLog(dir)
	l.restore(m, now)
	l.Close()
	return m
}

const loggedResponse = `{"id":"x","body":"<>&\u2028","status_code":200}`

func TestReplyLogSurvivesTheProcess(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	l := newReplyLog(dir)
	l.restore(newReplyCache(republishDelay), now)
	l.add(answeredWork(1), []byte(loggedResponse), now.Add(-publishedFor-time.Second))
	l.add(answeredWork(2), []byte(loggedResponse), now)
	l.add(answeredWork(3), nil, now)
	l.add(answeredWork(4), []byte(loggedResponse), now.Add(48*time.Hour)) // the clock was set back
	// The process is killed while it writes a line.
	if _, err := l.file.WriteString(`{"at":"2026-01-01T00:00:00Z","dir":"d","st`); err != nil {
		t.Fatal(err)
	}
	for n := range 3 { // and so are those after it
		m := restored(dir, now)
		if len(m.replies) != 3 {
			t.Fatalf("restart %d: %d replies, want 3", n, len(m.replies))
		}
		for n, want := range map[int]string{2: loggedResponse, 3: "", 4: loggedResponse} {
			a := m.replies[answeredWork(n).entry]
			if a == nil || string(a.data) != want || a.sum != answeredWork(n).sum || a.budget != &m.published {
				t.Errorf("reply %d: %+v", n, a)
			}
		}
	}
	if m := restored(dir, now.Add(publishedFor+time.Second)); len(m.replies) != 0 {
		t.Errorf("%d replies after the time", len(m.replies))
	}
	if names, _ := filepath.Glob(filepath.Join(dir, ".*")); len(names) != 0 {
		t.Errorf("files without traffic: %v", names)
	}
}

// Senders choose how many requests there are, and how large the responses.
func TestReplyLogIsBounded(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	l := newReplyLog(dir)
	defer l.Close()
	large := []byte(`"` + strings.Repeat("x", 1<<20-2) + `"`)
	size := func() (size int64) {
		for _, name := range replyLogNames {
			if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
				size += info.Size()
			}
		}
		return size
	}
	for n := range 24 {
		w := answeredWork(n)
		w.location.sender = w.entry.Stem
		l.add(w, large, now)
		if size() > 2*maxReplyLogSize {
			t.Fatalf("%d bytes after %d replies", size(), n)
		}
	}
	if kept := len(restored(dir, now).replies); kept < 7 || kept > 16 {
		t.Errorf("%d replies of a megabyte are kept", kept)
	}
	// With time, as with size.
	dir = t.TempDir()
	l = newReplyLog(dir)
	defer l.Close()
	for n := range 100 {
		now = now.Add(time.Hour)
		l.add(answeredWork(n), []byte(loggedResponse), now)
	}
	if m := restored(dir, now); len(m.replies) != 25 {
		t.Errorf("%d replies, want those of the last day", len(m.replies))
	}
}

func TestReplyLogSurvivesBadFiles(t *testing.T) {
	for name, content := range map[string]string{
		"garbage":      "\x00\xff}{\n\n[]\n",
		"wrong values": `{"at":5}` + "\n" + `{"at":"2026-01-01T00:00:00Z","request":"zz","response":{}}` + "\n",
		"a directory":  "",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, replyLogNames[0])
			var err error
			if content == "" {
				err = os.Mkdir(path, 0o755)
			} else {
				err = os.WriteFile(path, []byte(content), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			l := &replyLog{dir: dir, names: replyLogNames, logger: slog.New(slog.NewTextHandler(&log, nil))}
			m := newReplyCache(republishDelay)
			l.restore(m, time.Now())
			l.add(answeredWork(1), []byte(loggedResponse), time.Now())
			l.Close()
			l.add(answeredWork(2), []byte(loggedResponse), time.Now()) // too late: nothing
			if len(m.replies) != 0 {
				t.Errorf("%d replies", len(m.replies))
			}
			if n := len(restored(dir, time.Now()).replies); n != 1 {
				t.Errorf("%d replies after that; log:\n%s", n, &log)
			}
		})
	}
}

func BenchmarkReplyLog(b *testing.B) {
	l := newReplyLog(b.TempDir())
	defer l.Close()
	w := work{entry: entry{Dir: "echo/alice@example.com", Stem: "5f5b153c-d742-4027-8091-555b41a8795d"}, sum: sha256.Sum256(nil)}
	data := []byte(fmt.Sprintf(`{"id":"%s","sender":"bob@example.com","url":"syft://bob@example.com/app_data/demo/rpc/echo","body":"aGVsbG8=","headers":{},"created":"2026-11-23T11:41:48.296453+00:00","expires":"2026-11-23T12:41:48.143093+00:00","status_code":200}`, w.entry.Stem))
	for b.Loop() {
		l.add(w, data, time.Now())
	}
}

// If the next file cannot be started, because the disk is full, it is started later, and the
// other file is kept.
func TestReplyLogKeepsTheNewestWhenAFileCannotBeBegun(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	l := newReplyLog(dir)
	defer l.Close()
	large := []byte(`"` + strings.Repeat("x", 1<<20-2) + `"`)
	n := 0
	add := func() {
		n++
		w := answeredWork(n)
		w.location.sender = w.entry.Stem
		l.add(w, large, now.Add(time.Duration(n)))
	}
	for l.current == 0 {
		add()
	}
	first := n
	for l.size+int64(len(large)) < maxReplyLogSize-1000 {
		add()
	}
	other := filepath.Join(dir, replyLogNames[0])
	if err := errors.Join(os.Remove(other), os.MkdirAll(filepath.Join(other, "full"), 0o755)); err != nil {
		t.Fatal(err)
	}
	add()
	if _, counted := l.sizes[answeredWork(n).entry.Stem]; counted || l.current != 1 {
		t.Errorf("file %d is current, the reply that was not logged counts: %v", l.current, counted)
	}
	if err := os.RemoveAll(other); err != nil {
		t.Fatal(err)
	}
	failed := n
	for range 3 {
		add()
	}
	m := restored(dir, now.Add(time.Second))
	for i := first; i <= n; i++ {
		if there := m.replies[answeredWork(i).entry] != nil; there != (i != failed) {
			t.Errorf("reply %d of %d to %d, %d failed: kept %v", i, first, n, failed, there)
		}
	}
}

// A log handler may block, or call the server.
func TestReplyLogReportsWithoutItsLock(t *testing.T) {
	dir := t.TempDir()
	for _, name := range replyLogNames {
		if err := os.MkdirAll(filepath.Join(dir, name, "x"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l := &replyLog{dir: dir, names: replyLogNames}
	lines := 0
	l.logger = slog.New(handlerFunc(func(r slog.Record) {
		lines++
		if !l.mu.TryLock() {
			t.Errorf("%q logged under the lock", r.Message)
			return
		}
		l.mu.Unlock()
	}))
	l.restore(newReplyCache(republishDelay), time.Now())
	l.add(answeredWork(1), []byte(loggedResponse), time.Now())
	l.Close()
	if lines < 3 {
		t.Errorf("%d lines, want one for each file and one for writing", lines)
	}
}

type handlerFunc func(slog.Record)

func (handlerFunc) Enabled(context.Context, slog.Level) bool        { return true }
func (f handlerFunc) Handle(_ context.Context, r slog.Record) error { f(r); return nil }
func (f handlerFunc) WithAttrs([]slog.Attr) slog.Handler            { return f }
func (f handlerFunc) WithGroup(string) slog.Handler                 { return f }
