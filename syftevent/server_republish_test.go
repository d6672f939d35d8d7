package syftevent_test

import (
	"context"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
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

// vanish removes the response, as SyftBox does, and returns how long it was missing;
// negative means forever.
func (s *site) vanish() time.Duration {
	s.t.Helper()
	name := s.path(counted, stem+".response")
	if err := os.Remove(name); err != nil {
		s.t.Fatal(err)
	}
	for began := time.Now(); time.Since(began) < 5*syftevent.DefaultRepublishDelay; time.Sleep(100 * time.Millisecond) {
		if _, err := os.Lstat(name); err == nil {
			return time.Since(began)
		}
	}
	return -1
}

// SyftBox prunes a sender's directory that it has emptied, and does not watch the directory
// when it is recreated.
func TestServerKeepsTheDirectoryOfASender(t *testing.T) {
	inBubble(t, demoRouter(), func(s *site) {
		for range 2 { // also after it was removed and made again
			s.deliver("echo/"+clientEmail, envelope("/echo", nil), fakebox.WebSocket)
			s.wait("echo/" + clientEmail)
			if _, err := os.Lstat(s.path("echo", clientEmail, ".syftkeep")); err != nil {
				s.t.Error(err)
			}
			if err := os.RemoveAll(s.path("echo", clientEmail)); err != nil {
				s.t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		// Only the .syftkeep is removed.
		s.deliver("echo/"+clientEmail, envelope("/echo", nil), fakebox.WebSocket)
		s.wait("echo/" + clientEmail)
		if err := os.Remove(s.path("echo", clientEmail, ".syftkeep")); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := os.WriteFile(s.path("echo", clientEmail, "2.request"), envelope("/echo", map[string]any{"id": nil}), 0o644); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := os.Lstat(s.path("echo", clientEmail, ".syftkeep")); err != nil {
			s.t.Error(err)
		}
		// In the legacy layout the directory is the endpoint's.
		s.deliver("items/7", envelope("/items/7", nil), fakebox.WebSocket)
		s.wait("items/7")
		if _, err := os.Lstat(s.path("items/7/.syftkeep")); err == nil {
			s.t.Error("the directory of a request of the legacy layout is kept")
		}
	})
}

// Responses sometimes remain after their requests are gone, and a client that has exited
// cannot remove them.
func TestServerRemovesResponsesWithoutRequests(t *testing.T) {
	var runs atomic.Int32
	inBubble(t, countingRouter(&runs), func(s *site) {
		s.deliver(counted, envelope("/count", nil), fakebox.WebSocket)
		s.wait(counted)
		marked := []string{stem + ".conflict.request", stem + ".conflict.20260102030405.response", stem + ".rejected.response"}
		for _, name := range marked {
			if err := os.WriteFile(s.path(counted, name), []byte("{}"), 0o644); err != nil {
				s.t.Fatal(err)
			}
		}
		if err := os.Remove(s.path(counted, stem+".request")); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(syftevent.DefaultOrphanDelay - time.Second)
		if names := s.names(counted); len(names) != 4 {
			s.t.Errorf("too early: %v", names)
		}
		time.Sleep(10 * time.Second)
		if diff := cmp.Diff([]string{stem + ".rejected.response"}, s.names(counted)); diff != "" {
			s.t.Errorf("left (-want +got):\n%s", diff)
		}
		if stats := s.server.Stats(); stats.Orphans != 3 || stats.Answered != 1 || runs.Load() != 1 {
			s.t.Errorf("%+v, %d runs", stats, runs.Load())
		}
	})
}

// SyftBox deletes a response whose upload it lost. The server republishes it after a delay
// that doubles after three times, without running the handler again.
func TestServerRepublishesMissingResponse(t *testing.T) {
	var runs atomic.Int32
	inBubble(t, countingRouter(&runs), func(s *site) {
		s.deliver(counted, envelope("/count", nil), fakebox.WebSocket)
		s.wait(counted)
		for n, factor := range []time.Duration{1, 1, 1, 2, 4} {
			// The scans and the pauses between them add to the delay.
			delay := factor * syftevent.DefaultRepublishDelay
			if away := s.vanish(); away < delay || away > delay+5*time.Second {
				s.t.Errorf("time %d: published again after %v", n, away)
			}
		}
		time.Sleep(5 * syftevent.DefaultRepublishDelay)
		if n := runs.Load(); n != 1 {
			s.t.Errorf("%d runs", n)
		}
	})
}

// SyftBox deletes the response of a collected pair before the request, or loses it. A server
// that restarts in between knows that the request was answered.
func TestRestartedServerRunsOnlyWhatWasNotAnswered(t *testing.T) {
	var runs atomic.Int32
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, countingRouter(&runs), replica)
		s.start()
		s.deliver(counted, envelope("/count", nil), fakebox.WebSocket)
		s.wait(counted)
		published, err := os.ReadFile(s.path(counted, stem+".response"))
		if err != nil {
			t.Fatal(err)
		}
		s.stop()
		for restart := range 3 {
			if err := os.Remove(s.path(counted, stem+".response")); err != nil {
				t.Fatal(err)
			}
			s = newSite(t, countingRouter(&runs), replica)
			s.start()
			time.Sleep(syftevent.DefaultRepublishDelay - time.Second)
			if names := s.names(counted); len(names) != 1 {
				t.Errorf("restart %d: files %v", restart, names)
			}
			time.Sleep(5 * time.Second)
			if again, err := os.ReadFile(s.path(counted, stem+".response")); err != nil || string(again) != string(published) {
				t.Errorf("restart %d: published again: %s, %v", restart, again, err)
			}
			s.stop()
		}
		if n := runs.Load(); n != 1 {
			t.Errorf("%d runs", n)
		}
		// Other bytes are a new request.
		os.RemoveAll(s.path(counted))
		s = newSite(t, countingRouter(&runs), replica)
		s.start()
		defer s.stop()
		s.deliver(counted, envelope("/count", map[string]any{"body": "bmV3"}), fakebox.WebSocket)
		s.wait(counted)
		if n := runs.Load(); n != 2 {
			t.Errorf("%d runs after another request", n)
		}
	})
}

func TestServerDoesNotRepublishRejectedResponse(t *testing.T) {
	for _, marked := range []string{".rejected.response", ".rejected.20260102030405.response"} {
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
			time.Sleep(40 * time.Second) // the server looks for the marker every 30 s
			if _, err := os.Lstat(s.path(counted, stem+".response")); err != nil || runs.Load() != 1 {
				s.t.Errorf("%s: not published without the marker, or %d runs", marked, runs.Load())
			}
		})
	}
}

// SyftBox usually restores a file in conflict within a cycle. If it has not after
// RepublishDelay, it has deleted the response everywhere.
func TestServerRepublishesResponseInConflict(t *testing.T) {
	var runs atomic.Int32
	inBubble(t, countingRouter(&runs), func(s *site) {
		s.deliver(counted, envelope("/count", nil), fakebox.WebSocket)
		s.wait(counted)
		base := s.path(counted, stem)
		if err := os.Rename(base+".response", base+".conflict.response"); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(syftevent.DefaultRepublishDelay + 5*time.Second)
		if _, err := os.Lstat(base + ".response"); err != nil || runs.Load() != 1 {
			s.t.Errorf("not published again (%v), or %d runs", err, runs.Load())
		}
	})
}

// SyftBox found the request in conflict, and restored it.
func TestServerRepublishesAfterRequestConflict(t *testing.T) {
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

// The same bytes under the same name are the same request. Other bytes are a new request,
// which runs at once.
func TestServerDistinguishesRequestsOfOneName(t *testing.T) {
	var runs atomic.Int32
	inBubble(t, countingRouter(&runs), func(s *site) {
		first := envelope("/count", nil)
		s.deliver(counted, first, fakebox.WebSocket)
		s.wait(counted)
		// Both are removed, and the request is restored.
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

// A handler that ended its goroutine counts as run.
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
