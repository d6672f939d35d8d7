//go:build unix

package syftevent_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// A server on a network mount reports files that are created, changed, renamed and removed on the
// remote side, and reads them whole.
func TestServerOnNetworkMountsWatchesFiles(t *testing.T) {
	onMounts(t, watchMount)
}

func watchMount(t *testing.T, here, far string) {
	server := &syftevent.Server{
		AppName: "watcher",
		Client:  &syftevent.Client{Email: serverEmail, DataDir: here},
		// Less than some mounts take to show a change: files are small, and written at once.
		SettleTime: 2 * time.Second,
		Logger:     slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	events := make(chan string, 100)
	server.Watch("watched@example.com/**", func(ctx context.Context, event *syftevent.FileEvent) error {
		content := ""
		if event.Op != syftevent.FileRemoved {
			f, err := event.Open()
			if err != nil {
				return err
			}
			defer f.Close()
			data, err := io.ReadAll(f)
			if err != nil {
				return err
			}
			content = " " + string(data)
		}
		events <- fmt.Sprint(event.Op, " ", filepath.Base(event.Path), content)
		return nil
	})
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown(context.WithoutCancel(t.Context()))
	dir := filepath.Join(far, "datasites", "watched@example.com", "public")
	await := func(want ...string) {
		t.Helper()
		began := time.Now()
		missing := map[string]bool{}
		for _, event := range want {
			missing[event] = true
		}
		for len(missing) > 0 {
			select {
			case event := <-events:
				if !missing[event] {
					t.Errorf("event %q, want %q", event, want)
				}
				delete(missing, event)
			case <-time.After(5 * time.Minute):
				t.Fatalf("no event %v", missing)
			}
		}
		stats := server.Stats().Watch
		t.Logf("%q after %v (a scan takes %v, the next waits %v)", want, time.Since(began).Round(time.Millisecond), stats.ScanDuration, stats.ScanWait)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(dir, 0o755))
	must(os.WriteFile(filepath.Join(dir, "a.txt"), []byte("one"), 0o644))
	await("created a.txt one")
	must(os.WriteFile(filepath.Join(dir, "a.txt"), []byte("three"), 0o644))
	await("changed a.txt three")
	must(os.WriteFile(filepath.Join(dir, "a.txt.tmp"), []byte("another"), 0o644))
	must(os.Rename(filepath.Join(dir, "a.txt.tmp"), filepath.Join(dir, "a.txt")))
	await("changed a.txt another")
	must(os.Rename(filepath.Join(dir, "a.txt"), filepath.Join(dir, "b.txt")))
	await("removed a.txt", "created b.txt another")
	must(os.Remove(filepath.Join(dir, "b.txt")))
	await("removed b.txt")
	if server.Stats().Watch.TrustedMtimes {
		t.Error("mtimes of a network file system are trusted")
	}
}
