package syftevent

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/spool"
)

func TestSweepContinuesAfterBadFile(t *testing.T) {
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

// A request may arrive in a directory that is about to be removed.
func TestSweepKeepsADirectoryThatIsUsedAgain(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	const dir = "a@example.com"
	if err := root.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	long := time.Now().AddDate(-1, 0, 0)
	for _, name := range []string{dir + "/" + keepName, dir + "/new.request"} { // since it was listed
		if err := root.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := root.Chtimes(dir, long, long); err != nil {
		t.Fatal(err)
	}
	run := &sweep{
		sweeper: &sweeper{expiry: time.Hour, logger: slog.New(slog.DiscardHandler)},
		root:    root, now: time.Now(), fsNow: time.Now(),
	}
	run.directory(context.Background(), ".", []spool.Name{{Name: dir}})
	run.directory(context.Background(), dir, []spool.Name{{Name: keepName, Regular: true}})
	run.leaveUntil("")
	for _, name := range []string{keepName, "new.request"} {
		if _, err := root.Lstat(dir + "/" + name); err != nil {
			t.Error(err)
		}
	}
	if run.stats.Errors != 0 {
		t.Errorf("%v", run.stats)
	}
}

// The folder of an endpoint may look like that of a sender.
func TestServersCleanupKeepsItsEndpoints(t *testing.T) {
	router := NewRouter()
	router.OnRequest("/team@example.com/{id}", func(context.Context, *Request) (*Response, error) { return Text(200, ""), nil })
	client := &Client{Email: "bob@example.com", DataDir: t.TempDir()}
	server := &Server{AppName: "demo", Client: client, Router: router, Logger: slog.New(slog.DiscardHandler)}
	serving, err := server.newRunningServer()
	if err != nil {
		t.Fatal(err)
	}
	long := time.Now().AddDate(-1, 0, 0)
	for dir, kept := range map[string]bool{"team@example.com": true, "team@example.com/7/a@example.com": false} {
		path := filepath.Join(serving.dir, dir)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, keepName), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(path, long, long)
		if _, err := serving.cleanup.CleanupNow(context.Background()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(path); (err == nil) != kept {
			t.Errorf("%s: %v", dir, err)
		}
		os.RemoveAll(path)
	}
}
