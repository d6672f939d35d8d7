package syftevent_test

import (
	"context"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

// countingRouter has one endpoint, which counts how often it was called.
func countingRouter(runs *atomic.Int32) *syftevent.Router {
	router := syftevent.NewRouter()
	router.OnRequest("/count", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		runs.Add(1)
		return syftevent.Text(200, "done"), nil
	})
	return router
}

const counted = "count/" + clientEmail

// vanish removes the response, as SyftBox does, and reports how long it was away;
// a negative time is for ever.
func (s *site) vanish() time.Duration {
	s.t.Helper()
	name := s.path(counted, stem+".response")
	if err := os.Remove(name); err != nil {
		s.t.Fatal(err)
	}
	for began := time.Now(); time.Since(began) < 5*time.Minute; time.Sleep(100 * time.Millisecond) {
		if _, err := os.Lstat(name); err == nil {
			return time.Since(began)
		}
	}
	return -1
}

// SyftBox deletes a response whose upload it has lost. It is published again, not
// too soon and not for ever, and the handler is not run for it.
func TestServerPublishesAVanishedResponseAgain(t *testing.T) {
	var runs atomic.Int32
	inBubble(t, countingRouter(&runs), func(s *site) {
		s.deliver(counted, envelope("/count", nil), fakebox.WebSocket)
		s.wait(counted)
		for n := range 3 {
			// The looks and the pauses between them come on top.
			if away := s.vanish(); away < syftevent.DefaultRepublishDelay || away > syftevent.DefaultRepublishDelay+5*time.Second {
				s.t.Errorf("time %d: published again after %v", n, away)
			}
		}
		if away := s.vanish(); away >= 0 {
			s.t.Errorf("published a fourth time, after %v", away)
		}
		time.Sleep(time.Hour)
		if n := runs.Load(); n != 1 {
			s.t.Errorf("%d runs", n)
		}
	})
}

func TestServerRespectsMarksOfAVanishedResponse(t *testing.T) {
	for _, marked := range []string{".rejected.response", ".conflict.response", ".conflict.20260102030405.response"} {
		var runs atomic.Int32
		inBubble(t, countingRouter(&runs), func(s *site) {
			s.deliver(counted, envelope("/count", nil), fakebox.WebSocket)
			s.wait(counted)
			name := s.path(counted, stem+marked)
			if err := os.WriteFile(name, []byte("{}"), 0o644); err != nil {
				s.t.Fatal(err)
			}
			if away := s.vanish(); away >= 0 {
				s.t.Errorf("%s: published again after %v", marked, away)
			}
			if err := os.Remove(name); err != nil {
				s.t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
			if _, err := os.Lstat(s.path(counted, stem+".response")); err != nil || runs.Load() != 1 {
				s.t.Errorf("%s: not published without the mark, or %d runs", marked, runs.Load())
			}
		})
	}
}

// SyftBox has taken the request for one in conflict, and brought it again.
func TestServerPublishesAgainBesideARequestThatWasInConflict(t *testing.T) {
	var runs atomic.Int32
	inBubble(t, countingRouter(&runs), func(s *site) {
		s.deliver(counted, envelope("/count", nil), fakebox.WebSocket)
		s.wait(counted)
		if err := os.WriteFile(s.path(counted, stem+".conflict.request"), envelope("/count", nil), 0o644); err != nil {
			s.t.Fatal(err)
		}
		if away := s.vanish(); away < 0 || runs.Load() != 1 {
			s.t.Errorf("not published again, or %d runs", runs.Load())
		}
	})
}

// The same bytes under the same name are the same request, other bytes are
// another one, which does not wait.
func TestServerTellsRequestsOfOneNameApart(t *testing.T) {
	var runs atomic.Int32
	inBubble(t, countingRouter(&runs), func(s *site) {
		first := envelope("/count", nil)
		s.deliver(counted, first, fakebox.WebSocket)
		s.wait(counted)
		// Both are taken away, and the request comes back.
		if err := os.RemoveAll(s.path(counted)); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(5500 * time.Millisecond)
		s.deliver(counted, first, fakebox.BlobStore)
		time.Sleep(10 * time.Second)
		if names := s.names(counted); len(names) != 1 || runs.Load() != 1 {
			s.t.Errorf("too soon: %v, %d runs", names, runs.Load())
		}
		time.Sleep(5 * time.Second)
		if got := s.wait(counted); got.Status != 200 || runs.Load() != 1 {
			s.t.Errorf("status %d, %d runs", got.Status, runs.Load())
		}
		if err := os.RemoveAll(s.path(counted)); err != nil {
			s.t.Fatal(err)
		}
		s.deliver(counted, envelope("/count", map[string]any{"body": []byte("other")}), fakebox.WebSocket)
		time.Sleep(3 * time.Second)
		if names := s.names(counted); len(names) != 2 || runs.Load() != 2 {
			s.t.Errorf("%v, %d runs", names, runs.Load())
		}
	})
}

// A handler that has ended its goroutine has run, too.
func TestServerDoesNotRunACrashedHandlerAgain(t *testing.T) {
	var runs atomic.Int32
	router := syftevent.NewRouter()
	router.OnRequest("/count", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		runs.Add(1)
		runtime.Goexit()
		return nil, nil
	})
	inBubble(t, router, func(s *site) {
		s.deliver(counted, envelope("/count", nil), fakebox.WebSocket)
		if got := s.wait(counted); got.Status != 500 {
			s.t.Errorf("status %d", got.Status)
		}
		if away := s.vanish(); away < syftevent.DefaultRepublishDelay || runs.Load() != 1 {
			s.t.Errorf("published again after %v, %d runs", away, runs.Load())
		}
	})
}
