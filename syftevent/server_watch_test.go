package syftevent_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

func TestServerReportsWatchedFiles(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	public := filepath.Join(replica.DataDir(), "datasites", serverEmail, "public")
	if err := os.MkdirAll(public, 0o755); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil, replica)
		var mu sync.Mutex
		var got []string
		s.server.Watch("{datasite}/public/*.txt", func(ctx context.Context, event *syftevent.FileEvent) error {
			content := ""
			f, err := event.Open()
			if err == nil {
				defer f.Close()
				var data []byte
				data, err = io.ReadAll(f)
				content = string(data)
			}
			if err != nil && !(event.Op == syftevent.FileRemoved && errors.Is(err, fs.ErrNotExist)) {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			got = append(got, fmt.Sprintf("%v %s %s %q", event.Op, event.Datasite(), event.Path, content))
			return nil
		})
		s.start()
		defer s.stop()
		name := filepath.Join(public, "note.txt")
		for _, content := range []string{"one", "three", ""} {
			if content == "" {
				if err := os.Remove(name); err != nil {
					t.Fatal(err)
				}
			} else if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		mu.Lock()
		defer mu.Unlock()
		const path = " bob@example.com bob@example.com/public/note.txt "
		if want := []string{"created" + path + `"one"`, "changed" + path + `"three"`, "removed" + path + `""`}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("events: %q", got)
		}
		if f := s.server.Stats().Watch; f.Events != 3 || f.Failed != 0 || f.Files != 0 || f.LastScan.IsZero() {
			t.Errorf("figures: %+v", f)
		}
	})
}

// Handlers of files end like those of requests.
func TestShutdownCancelsWatchHandlers(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	public := filepath.Join(replica.DataDir(), "datasites", serverEmail, "public")
	if err := os.MkdirAll(public, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(public, "note.txt"), []byte("1"), 0o644); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		for _, start := range []string{"first", "second"} {
			s := newSite(t, nil, replica)
			began := make(chan struct{})
			var err error
			s.server.Watch("*.txt", func(ctx context.Context, event *syftevent.FileEvent) error {
				close(began)
				if start == "first" {
					<-ctx.Done()
				}
				err = ctx.Err()
				return err
			})
			s.start()
			<-began
			stopped := time.Now()
			s.stop()
			took := time.Since(stopped)
			if start == "first" && (err == nil || took < syftevent.DefaultDrainTimeout || took > 2*syftevent.DefaultDrainTimeout) {
				t.Errorf("handler ended with %v, %v after Shutdown", err, took)
			}
			if start == "second" && err != nil {
				t.Error(err)
			}
		}
	})
}

func TestWatchPanicsOnWrongCalls(t *testing.T) {
	nothing := func(context.Context, *syftevent.FileEvent) error { return nil }
	for want, call := range map[string]func(s *syftevent.Server){
		`is not the address of a datasite`: func(s *syftevent.Server) { s.Watch("public/*.json", nothing) },
		`is nil (watched at`:               func(s *syftevent.Server) { s.Watch("*.json", nil) },
		`was given before`:                 func(s *syftevent.Server) { s.Watch("*.json", nothing); s.Watch("*.json", nothing) },
		`the server has started`: func(s *syftevent.Server) {
			if err := s.Start(context.Background()); err != nil {
				t.Fatal(err)
			}
			defer s.Shutdown(context.Background())
			s.Watch("*.json", nothing)
		},
	} {
		func() {
			defer func() {
				if v := fmt.Sprint(recover()); !strings.Contains(v, want) || !strings.Contains(v, "server_watch_test.go") {
					t.Errorf("panic %q, want %q", v, want)
				}
			}()
			call(&syftevent.Server{AppName: appName, Client: &syftevent.Client{Email: serverEmail, DataDir: t.TempDir()}, Logger: slog.New(slog.DiscardHandler)})
		}()
	}
}

func ExampleServer_Watch() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	client := &syftevent.Client{Email: "bob@example.com", DataDir: dir}
	ctx, cancel := context.WithCancel(context.Background())

	server := &syftevent.Server{AppName: "reports", Client: client, SettleTime: 100 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)}
	server.Watch("*/public/*.csv", func(ctx context.Context, event *syftevent.FileEvent) error {
		if event.Op == syftevent.FileRemoved {
			return nil // nothing to read
		}
		f, err := event.Open()
		if err != nil {
			return err // the handler is called again
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, 1<<20))
		if err != nil {
			return err
		}
		fmt.Printf("%s: %v: %s", event.Path, event.Op, data)
		cancel()
		return nil
	})

	public := filepath.Join(client.DatasitesDir(), "alice@example.com", "public")
	if err := os.MkdirAll(public, 0o755); err != nil {
		panic(err)
	}
	if err := os.WriteFile(filepath.Join(public, "sums.csv"), []byte("1,2,3\n"), 0o644); err != nil {
		panic(err)
	}
	if err := server.Run(ctx); err != nil {
		panic(err)
	}
	// Output: alice@example.com/public/sums.csv: created: 1,2,3
}

func ExampleFileEvent() {
	handler := func(ctx context.Context, event *syftevent.FileEvent) error {
		fmt.Println(event.Op, event.Path, "of", event.Datasite())
		return nil
	}
	handler(context.Background(), &syftevent.FileEvent{Op: syftevent.FileChanged, Path: "alice@example.com/public/sums.csv", Size: 6})
	// Output: changed alice@example.com/public/sums.csv of alice@example.com
}
