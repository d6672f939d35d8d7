package syftevent_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

// poisonVariable holds the data directory for the server process of TestPoison.
const poisonVariable = "SYFTEVENT_TEST_POISON"

// A request that kills each process that handles it is answered by the fourth one.
func TestPoison(t *testing.T) {
	if dir := os.Getenv(poisonVariable); dir != "" {
		servePoison(dir)
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "datasites", serverEmail, filepath.FromSlash(rpcPath), "deadly", clientEmail, stem)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".request", envelope("/deadly", nil), 0o644); err != nil {
		t.Fatal(err)
	}
	const deaths = 3
	for n := range deaths + 1 {
		child := exec.Command(os.Args[0], "-test.run=^TestPoison$")
		child.Env = append(os.Environ(), poisonVariable+"="+dir)
		stop, err := child.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if n < deaths {
			if err := child.Wait(); err == nil {
				t.Fatalf("process %d did not die", n)
			}
			continue
		}
		(&site{t: t}).awaitFile(path+".response", time.Minute)
		stop.Close()
		if err := child.Wait(); err != nil {
			t.Error(err)
		}
	}
	if got := readReply(t, path+".response"); got.Status != 500 {
		t.Errorf("status %d", got.Status)
	}
}

// servePoison runs a server until standard input ends or its handler is called.
func servePoison(dir string) {
	router := syftevent.NewRouter()
	router.OnRequest("/deadly", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		os.Exit(3)
		return nil, nil
	})
	server := &syftevent.Server{
		AppName: appName, Client: &syftevent.Client{Email: serverEmail, DataDir: dir}, Router: router,
		Logger: slog.New(slog.DiscardHandler),
	}
	if err := server.Start(context.Background()); err != nil {
		panic(err)
	}
	io.Copy(io.Discard, os.Stdin)
	server.Shutdown(context.Background())
}

// A handler that is canceled by a stop runs again any number of times, whether it returns
// or ignores the cancellation.
func TestStoppedHandlersAreNotPoison(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		router := syftevent.NewRouter()
		router.OnRequest("/returns", func(ctx context.Context, _ *syftevent.Request) (*syftevent.Response, error) {
			runs.Add(1)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		router.OnRequest("/ignores", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			runs.Add(1)
			time.Sleep(time.Hour)
			return syftevent.Text(200, "too late"), nil
		})
		const starts = 5
		for range starts {
			s := newSite(t, router, replica)
			s.server.DrainTimeout = -1
			s.deliver("returns/"+clientEmail, envelope("/returns", nil), fakebox.WebSocket)
			s.deliver("ignores/"+clientEmail, envelope("/ignores", nil), fakebox.WebSocket)
			s.start()
			time.Sleep(10 * time.Second)
			s.stop()
		}
		if n := runs.Load(); n != 2*starts {
			t.Errorf("two requests were run %d times by %d starts", n, starts)
		}
		time.Sleep(time.Hour) // the handlers end
	})
}
