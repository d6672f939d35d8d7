package syftevent

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
)

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
	run := &sweep{
		sweeper: &sweeper{expiry: time.Hour, logger: slog.New(slog.DiscardHandler)},
		root:    root, now: time.Now(), fsNow: time.Now(),
	}
	run.directory(context.Background(), ".", []spool.Name{
		{Name: "a\x00b.request", Regular: true}, // no system can read it
		{Name: "b.request", Regular: true},
	})
	if run.stats.Errors != 1 || run.stats.RequestsDeleted != 1 {
		t.Errorf("%v", run.stats)
	}
}
