package syftevent_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

// lockFile returns the path of the app's lock.
func (s *site) lockFile() string { return s.path("..", ".syftkeep") }

// skipUnlessOpenFilesMove skips the test where open files cannot be removed.
func skipUnlessOpenFilesMove(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		t.Skip("an open file cannot be removed here:", err)
	}
}

// A lock file that was removed must not let a second server start.
func TestLockIsReacquired(t *testing.T) {
	skipUnlessOpenFilesMove(t)
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		first, second := newSite(t, demoRouter(), replica), newSite(t, demoRouter(), replica)
		first.start()
		defer first.stop()
		if err := os.Remove(first.lockFile()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if err := second.server.Start(context.Background()); !errors.Is(err, syftevent.ErrAppServed) {
			t.Errorf("second server: %v", err)
		}
		first.deliver("echo/"+clientEmail, envelope("/echo", nil), fakebox.WebSocket)
		first.wait("echo/" + clientEmail)
	})
}

// The app's folder is renamed and recreated, and another server locks the new folder.
func TestServerStopsWhenAnotherHasTheApp(t *testing.T) {
	skipUnlessOpenFilesMove(t)
	var runs atomic.Int32
	router := syftevent.NewRouter()
	router.OnRequest("/slow", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		runs.Add(1)
		time.Sleep(3 * time.Second)
		return syftevent.Text(200, "done"), nil
	})
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		first, second := newSite(t, router, replica), newSite(t, router, replica)
		ran := make(chan error, 1)
		go func() { ran <- first.server.Run(context.Background()) }()
		<-first.server.Ready()
		app := filepath.Dir(first.path())
		if err := os.Rename(app, app+"-old"); err != nil {
			t.Fatal(err)
		}
		second.start()
		defer second.stop()
		select {
		case <-first.server.Done():
		case <-time.After(10 * time.Second):
			t.Fatal("first server still runs")
		}
		for name, err := range map[string]error{"Run": <-ran, "Err": first.server.Err(), "Shutdown": first.server.Shutdown(context.Background())} {
			if !errors.Is(err, syftevent.ErrAppServed) {
				t.Errorf("%s: %v", name, err)
			}
		}
		response := first.deliverFrom(clientEmail, "slow", 1)
		time.Sleep(time.Minute)
		if _, err := os.Stat(response); err != nil || runs.Load() != 1 {
			t.Errorf("a request was run %d times: %v", runs.Load(), err)
		}
		if err := second.server.Err(); err != nil {
			t.Errorf("second server: %v", err)
		}
	})
}

// While the app's folder is missing, no request starts. The server resumes when it is back.
func TestServerWaitsForItsFolder(t *testing.T) {
	skipUnlessOpenFilesMove(t)
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, demoRouter(), replica)
		s.start()
		defer s.stop()
		app := filepath.Dir(s.path())
		if err := os.Rename(app, app+"-old"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := os.Stat(app); err == nil {
			t.Error("the folder was made again")
		}
		if err := os.MkdirAll(s.path(), 0o755); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		for _, name := range []string{"syft.pub.yaml", "rpc.schema.json", "echo/.syftkeep"} {
			if _, err := os.Stat(s.path(name)); err != nil {
				t.Error(err)
			}
		}
		s.deliver("echo/"+clientEmail, envelope("/echo", nil), fakebox.WebSocket)
		s.wait("echo/" + clientEmail)
		if err := s.server.Err(); err != nil {
			t.Error(err)
		}
	})
}

func TestLockFile(t *testing.T) {
	for name, test := range map[string]struct {
		prepare     func(path string) error
		while, then string // the content of the file
		other       bool   // another file is locked
	}{
		"new":         {func(string) error { return nil }, "process ", "", false},
		"empty":       {func(path string) error { return os.WriteFile(path, nil, 0o644) }, "process ", "", false},
		"of a killed": {func(path string) error { return os.WriteFile(path, []byte("process 1 on x, since y, and more"), 0o644) }, "process ", "", false},
		"of a user":   {func(path string) error { return os.WriteFile(path, []byte("keep me"), 0o644) }, "keep me", "keep me", false},
		"folder":      {func(path string) error { return os.Mkdir(path, 0o755) }, "", "", true},
		"link":        {func(path string) error { return os.Symlink("elsewhere", path) }, "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				first, second := newSite(t, nil, replica), newSite(t, nil, replica)
				first.server.Logger = slog.New(slog.NewTextHandler(&log, nil))
				if err := os.MkdirAll(first.path(), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := test.prepare(first.lockFile()); err != nil {
					t.Skip(err)
				}
				first.start()
				if while, _ := os.ReadFile(first.lockFile()); !strings.HasPrefix(string(while), test.while) || strings.Contains(string(while), "and more") {
					t.Errorf("while it is held: %q", while)
				}
				if err := second.server.Start(context.Background()); !errors.Is(err, syftevent.ErrAppServed) {
					t.Errorf("second server: %v", err)
				}
				first.stop()
				if then, _ := os.ReadFile(first.lockFile()); string(then) != test.then {
					t.Errorf("afterwards: %q", then)
				}
				if logged := strings.Contains(log.String(), "not a regular file"); logged != test.other {
					t.Errorf("log:\n%s", &log)
				}
				second.start()
				second.stop()
			})
		})
	}
}

// A server that holds the alternative lock file switches to the first when that can be
// locked, since the next server chooses that one.
func TestServerSwitchesToFirstLockFile(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		first, second := newSite(t, nil, replica), newSite(t, nil, replica)
		if err := os.MkdirAll(first.lockFile(), 0o755); err != nil {
			t.Fatal(err)
		}
		first.start()
		defer first.stop()
		if err := os.Remove(first.lockFile()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if err := second.server.Start(context.Background()); !errors.Is(err, syftevent.ErrAppServed) {
			t.Errorf("second server: %v", err)
		}
		if err := first.server.Err(); err != nil {
			t.Error(err)
		}
	})
}
