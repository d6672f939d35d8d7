package syftevent_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// deliverFrom writes the nth request of a sender.
func (s *site) deliverFrom(sender, endpoint string, n int) string {
	s.t.Helper()
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
	data := envelope("/"+endpoint, map[string]any{"id": id, "sender": sender})
	path := rpcPath + "/" + endpoint + "/" + sender + "/" + id
	if err := s.replica.Deliver(path+".request", data, fakebox.Delivery{Mode: fakebox.WebSocket}); err != nil {
		s.t.Fatal(err)
	}
	return filepath.Join(s.replica.Datasite(), path+".response")
}

// awaitFile waits until a file exists.
func (s *site) awaitFile(path string, most time.Duration) {
	s.t.Helper()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Since(began) > most {
			s.t.Fatalf("no %s after %v", filepath.Base(path), most)
		}
	}
}

// In an earlier version, two senders with slow handlers occupied every worker.
func TestTwoSlowSendersDelayNobody(t *testing.T) {
	router := demoRouter()
	router.OnRequest("/slow", func(ctx context.Context, _ *syftevent.Request) (*syftevent.Response, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	inBubble(t, router, func(s *site) {
		for n := range 40 {
			s.deliverFrom("mallory@example.com", "slow", n)
			s.deliverFrom("mallet@example.com", "slow", n)
		}
		time.Sleep(10 * time.Second)
		if stats := s.server.Stats(); stats.InFlight != syftevent.DefaultConcurrency || stats.Queued != 16 {
			s.t.Errorf("%d run, %d wait", stats.InFlight, stats.Queued)
		}
		s.awaitFile(s.deliverFrom(clientEmail, "echo", 1), 5*time.Second)
	})
}

// A large request frees its bytes when it is answered.
func TestLargeRequestReleasesItsBytes(t *testing.T) {
	router := syftevent.NewRouter()
	router.OnRequest("/large", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		time.Sleep(10 * time.Second)
		return syftevent.Text(200, "done"), nil
	})
	inBubble(t, router, func(s *site) {
		data := envelope("/large", map[string]any{"body": strings.Repeat("QUFB", 10_000)})
		s.deliver("large/"+clientEmail, data, fakebox.WebSocket)
		time.Sleep(5 * time.Second)
		if stats := s.server.Stats(); stats.BytesHeld != 2*int64(len(data)) || stats.BytesLimit != 64<<20 {
			s.t.Errorf("while it is handled: %+v", stats)
		}
		s.wait("large/" + clientEmail)
		synctest.Wait()
		if stats := s.server.Stats(); stats.BytesHeld != 0 {
			s.t.Errorf("afterwards: %+v", stats)
		}
	})
}

func TestHandlerTimeout(t *testing.T) {
	router := demoRouter()
	var release chan struct{}
	var cause atomic.Value
	router.OnRequest("/deaf", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		<-ctx.Done()
		req.ID, req.Sender = "changed", "changed" // the race detector sees who reads them
		cause.Store(context.Cause(ctx))
		<-release // it ignores its cancellation
		return syftevent.Text(200, "too late"), nil
	})
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, router, replica)
		release = make(chan struct{})
		s.server.HandlerTimeout = 3 * time.Second
		s.start()
		defer s.stop()
		began := time.Now()
		s.deliver("deaf/"+clientEmail, envelope("/deaf", nil), fakebox.WebSocket)
		if got := s.wait("deaf/" + clientEmail); got.Status != 504 || time.Since(began) < 3*time.Second {
			t.Errorf("%+v after %v", got, time.Since(began))
		}
		synctest.Wait() // the handler may see its cancellation after the response was written
		if got, _ := cause.Load().(error); !errors.Is(got, context.DeadlineExceeded) {
			t.Errorf("cause %v", got)
		}
		if stats := s.server.Stats(); stats.InFlight != 1 || stats.Failed != 1 {
			t.Errorf("%+v", stats)
		}
		close(release)
		synctest.Wait()
		if stats := s.server.Stats(); stats.InFlight != 0 || stats.Answered != 1 {
			t.Errorf("%+v", stats)
		}
		// Handlers that return in time, or panic, are not affected.
		s.deliver("panic/"+clientEmail, envelope("/panic", nil), fakebox.WebSocket)
		if got := s.wait("panic/" + clientEmail); got.Status != 500 {
			t.Errorf("%+v", got)
		}
	})
}

// Many bad requests cause few log lines.
func TestBadRequestsWriteFewLines(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := newSite(t, demoRouter(), replica)
		s.server.Logger = slog.New(slog.NewTextHandler(&log, nil))
		dir := s.path("echo", clientEmail)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for n := range 300 {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(n, ".request")), []byte(`{"sender":5}`), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s.start()
		time.Sleep(30 * time.Second)
		s.stop()
		if refused := s.server.Stats().Refused; refused != 300 {
			t.Errorf("%d were refused", refused)
		}
		if lines := strings.Count(log.String(), "\n"); lines > 40 || !strings.Contains(log.String(), "count=270") {
			t.Errorf("%d lines:\n%s", lines, &log)
		}
	})
}
