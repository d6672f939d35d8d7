package syftevent

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"testing"
	"time"
)

// A ghost is an entry of a directory whose file cannot be opened, whoever asks.
type ghost struct{ fs.DirEntry }

func (ghost) Name() string      { return "a\x00b.request" }
func (ghost) Type() fs.FileMode { return 0 }
func (ghost) IsDir() bool       { return false }

func TestSweepGoesOnAfterABadFile(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	const old = `{"sender":"a@example.com","url":"u","created":"2000-01-01T00:00:00Z","expires":"2000-01-01T00:00:00Z"}`
	if err := root.WriteFile("b.request", []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	dir, err := root.Open(".")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := dir.ReadDir(-1)
	dir.Close()
	if err != nil {
		t.Fatal(err)
	}
	run := &sweep{
		sweeper: &sweeper{expiry: time.Hour, logger: slog.New(slog.DiscardHandler)},
		root:    root, now: time.Now(), fsNow: time.Now(),
	}
	run.directory(context.Background(), ".", append([]fs.DirEntry{ghost{}}, entries...))
	if run.stats.Errors != 1 || run.stats.RequestsDeleted != 1 {
		t.Errorf("%v", run.stats)
	}
}
