package syftevent_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

// Whatever a handler does, the server keeps running and answers the request.
func TestServerSurvivesFaultyHandlers(t *testing.T) {
	shared := &syftevent.Response{Body: []byte("shared")}
	handlers := map[string]syftevent.HandlerFunc{
		"nil-error": func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			var none *syftevent.Error
			return nil, none
		},
		"goexit": func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			runtime.Goexit()
			return nil, nil
		},
		"nil-panic": func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			panic(nil)
		},
		"zero-status": func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			return nil, &syftevent.Error{Message: "a secret detail"}
		},
		"error-of-success": func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			return nil, &syftevent.Error{StatusCode: 204, Message: "a secret detail"}
		},
		"panicking-error": func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			return nil, panickingError{}
		},
	}
	var runs atomic.Int32
	router := syftevent.NewRouter()
	for name, handler := range handlers {
		router.OnRequest("/"+name, func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
			runs.Add(1)
			return handler(ctx, req)
		})
	}
	router.OnRequest("/shared", func(context.Context, *syftevent.Request) (*syftevent.Response, error) { return shared, nil })
	for _, debug := range []bool{false, true} {
		replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, router, replica)
			s.server.DebugMode = debug
			s.start()
			defer s.stop()
			runs.Store(0)
			for name := range handlers {
				dir := name + "/" + clientEmail
				s.deliver(dir, envelope("/"+name, nil), fakebox.WebSocket)
				if got := s.wait(dir); got.Status != 500 || !debug && strings.Contains(string(got.Body), "secret") {
					t.Errorf("%s: %d %s", name, got.Status, got.Body)
				}
			}
			// All requests share this value, which the server must not modify.
			for _, sender := range []string{"a@example.com", "b@example.com", "c@example.com"} {
				s.deliver("shared/"+sender, envelope("/shared", map[string]any{"sender": sender}), fakebox.WebSocket)
			}
			for _, sender := range []string{"a@example.com", "b@example.com", "c@example.com"} {
				if got := s.wait("shared/" + sender); got.Status != 200 {
					t.Errorf("shared: %d", got.Status)
				}
			}
			time.Sleep(time.Minute)
			if n := int(runs.Load()); n != len(handlers) {
				t.Errorf("%d runs of %d requests", n, len(handlers))
			}
			stats := s.server.Stats()
			if stats.Answered != len(handlers)+3 || stats.InFlight != 0 || stats.Queued != 0 || stats.Scans == 0 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

type panickingError struct{}

func (panickingError) Error() string { panic("no text") }

// The handler runs once; only publishing its response is retried.
func TestServerRetriesPublishingWithoutRunningAgain(t *testing.T) {
	var runs atomic.Int32
	var block string
	router := syftevent.NewRouter()
	router.OnRequest("/count", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		runs.Add(1)
		return syftevent.Text(200, "done"), os.MkdirAll(block, 0o755)
	})
	inBubble(t, router, func(s *site) {
		dir := "count/" + clientEmail
		// A directory that cannot be removed has the name of the response.
		block = s.path(dir, stem+".response", "x")
		s.deliver(dir, envelope("/count", nil), fakebox.WebSocket)
		time.Sleep(5 * time.Minute)
		if n, stats := runs.Load(), s.server.Stats(); n != 1 || stats.Unpublished != 1 {
			s.t.Errorf("%d runs, %+v", n, stats)
		}
		// The folder, and then all of them, become unreachable for a while.
		for _, away := range []string{s.path(dir), s.path()} {
			elsewhere := filepath.Join(s.replica.DataDir(), "away")
			if err := os.Rename(away, elsewhere); err != nil {
				s.t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if err := os.Rename(elsewhere, away); err != nil {
				s.t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		// A rename, because the server may remove an empty folder.
		if err := os.Rename(s.path(dir, stem+".response"), filepath.Join(s.replica.DataDir(), "block")); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if got := s.wait(dir); got.Status != 200 || runs.Load() != 1 || s.server.Stats().Unpublished != 0 {
			s.t.Errorf("status %d, %d runs, %+v", got.Status, runs.Load(), s.server.Stats())
		}
	})
}

// SyftBox removes and restores a request while its handler runs, or before the client has
// read the response. Other bytes are a new request.
func TestServerKeepsResponseWhileRequestIsGone(t *testing.T) {
	var runs atomic.Int32
	router := slowRouter(func(ctx context.Context) error { runs.Add(1); return sleep(5 * time.Second)(ctx) })
	inBubble(t, router, func(s *site) {
		dir := "slow/" + clientEmail
		first := envelope("/slow", nil)
		s.deliver(dir, first, fakebox.WebSocket)
		time.Sleep(2 * time.Second)
		if err := os.RemoveAll(s.path(dir)); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := os.Stat(s.path(dir)); err == nil {
			s.t.Error("a folder was made for the response")
		}
		s.deliver(dir, first, fakebox.BlobStore)
		if got := s.wait(dir); got.Status != 200 || runs.Load() != 1 {
			s.t.Errorf("status %d, %d runs", got.Status, runs.Load())
		}

		// The same, but with other bytes.
		if err := os.RemoveAll(s.path(dir)); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		s.deliver(dir, envelope("/slow", map[string]any{"body": []byte("second")}), fakebox.WebSocket)
		time.Sleep(2 * time.Second)
		if err := os.Remove(s.path(dir, stem+".request")); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if names := s.names(dir); names != nil {
			s.t.Errorf("orphan response: %v", names)
		}
		s.deliver(dir, envelope("/slow", map[string]any{"body": []byte("other")}), fakebox.BlobStore)
		if got := s.wait(dir); got.Status != 200 || runs.Load() != 3 {
			s.t.Errorf("status %d, %d runs", got.Status, runs.Load())
		}
	})
}

func TestServerDropsResponseOfLostRequest(t *testing.T) {
	inBubble(t, demoRouter(), func(s *site) {
		dir := "echo/" + clientEmail
		if err := os.MkdirAll(s.path(dir, stem+".response", "x"), 0o755); err != nil {
			s.t.Fatal(err)
		}
		s.deliver(dir, envelope("/echo", nil), fakebox.WebSocket)
		time.Sleep(time.Minute)
		if err := os.Remove(s.path(dir, stem+".request")); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(11 * time.Minute)
		if stats := s.server.Stats(); stats.Unpublished != 0 {
			s.t.Errorf("%+v", stats)
		}
	})
}

// A request never runs if the name of its response would be too long.
func TestServerIgnoresUnanswerableRequests(t *testing.T) {
	inBubble(t, demoRouter(), func(s *site) {
		long := strings.Repeat("x", 247)
		err := s.replica.Deliver(rpcPath+"/fail/"+clientEmail+"/"+long+".request", envelope("/fail", map[string]any{"id": long}), fakebox.Delivery{Mode: fakebox.BlobStoreInPlace})
		if err != nil {
			s.t.Skip("no such long names here:", err)
		}
		time.Sleep(time.Minute)
		if stats := s.server.Stats(); stats.Failed != 0 {
			s.t.Errorf("handler ran: %+v", stats)
		}
	})
}

// When all slots are taken, the next request starts as soon as one is free.
func TestBusyHandlersDoNotStallPolling(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, slowRouter(sleep(2*time.Second)), replica)
		s.server.Concurrency = 2
		s.start()
		defer s.stop()
		senders := []string{"a@example.com", "b@example.com", "c@example.com", "d@example.com", "e@example.com", "f@example.com"}
		began := time.Now()
		for _, sender := range senders {
			s.deliver("slow/"+sender, envelope("/slow", map[string]any{"sender": sender}), fakebox.WebSocket)
		}
		time.Sleep(5 * time.Second)
		s.deliver("slow/"+clientEmail, envelope("/slow", nil), fakebox.WebSocket)
		s.wait("slow/" + clientEmail)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("seven requests of 2 s took %v with two workers", took)
		}
	})
}

// The .syftkeep in the folder before a wildcard is this server's own: a request to that
// folder belongs to no other server.
func TestServerRecognizesItsOwnKeepFiles(t *testing.T) {
	inBubble(t, demoRouter(), func(s *site) {
		s.deliver("items/"+clientEmail, envelope("/items", nil), fakebox.WebSocket)
		if got := s.wait("items/" + clientEmail); got.Status != 404 {
			s.t.Errorf("status %d, want 404", got.Status)
		}
	})
}

// The server starts even if a file of another kind has the name of its .syftkeep.
func TestStartAcceptsAnyKeepFile(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, demoRouter(), replica)
		if err := os.MkdirAll(s.path("echo", ".syftkeep", clientEmail), 0o755); err != nil {
			t.Fatal(err)
		}
		s.start()
		s.stop()
	})
}

func TestRequestWithoutExpiryExpiresAfterADay(t *testing.T) {
	var expires time.Time
	router := syftevent.NewRouter()
	router.OnRequest("/when", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		expires = req.Expires
		return syftevent.Text(200, ""), nil
	})
	inBubble(t, router, func(s *site) {
		s.deliver("when/"+clientEmail, envelope("/when", map[string]any{"created": "1990-01-01T00:00:00Z"}), fakebox.WebSocket)
		began := time.Now()
		if got := s.wait("when/" + clientEmail); got.Status != 200 || expires.Sub(began) < 24*time.Hour || expires.Sub(began) > 24*time.Hour+time.Second {
			s.t.Errorf("status %d, expires %v", got.Status, expires)
		}
	})
}
