package syftevent

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// The folder of an endpoint may look like that of a sender.
func TestServersCleanupKeepsItsEndpoints(t *testing.T) {
	router := NewRouter()
	router.OnRequest("/team@example.com/{id}", func(context.Context, *Request) (*Response, error) { return Text(200, ""), nil })
	client := &Client{Email: "bob@example.com", DataDir: t.TempDir()}
	server := &Server{AppName: "demo", Client: client, Router: router, Logger: slog.New(slog.DiscardHandler)}
	options, cleaner, err := server.engineOptions()
	if err != nil {
		t.Fatal(err)
	}
	long := time.Now().AddDate(-1, 0, 0)
	for dir, kept := range map[string]bool{"team@example.com": true, "team@example.com/7/a@example.com": false} {
		path := filepath.Join(options.Dir, dir)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, protocol.KeepName), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(path, long, long)
		if _, err := cleaner.CleanupNow(context.Background()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(path); (err == nil) != kept {
			t.Errorf("%s: %v", dir, err)
		}
		os.RemoveAll(path)
	}
}
