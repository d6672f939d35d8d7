package syftevent_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

// inMail runs a test with a client and a folder without a server.
func inMail(t *testing.T, test func(s *site, c *syftevent.Client)) {
	t.Helper()
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		test(newSite(t, demoRouter(), replica), &syftevent.Client{Email: clientEmail, DataDir: replica.DataDir()})
	})
}

func request(t *testing.T, endpoint string, body any) *syftevent.Request {
	t.Helper()
	req, err := syftevent.NewRequest("POST", rpcURL+endpoint, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// names lists a directory without its .syftkeep once the server is idle: right after
// publishing, the server's temporary file still exists.
func (s *site) names(dir string) []string {
	synctest.Wait()
	var names []string
	entries, _ := os.ReadDir(s.path(dir))
	for _, entry := range entries {
		if entry.Name() != ".syftkeep" {
			names = append(names, entry.Name())
		}
	}
	return names
}

func TestCall(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		s.start()
		defer s.stop()
		req := request(s.t, "/sum", map[string]int{"a": 2, "b": 3})
		req.Headers.Set("X-A", "1")
		response, err := c.Call(context.Background(), req)
		if err != nil {
			s.t.Fatal(err)
		}
		want := &syftevent.Response{
			ID: req.ID, Sender: serverEmail, URL: req.URL, StatusCode: 200,
			Headers: syftevent.Headers{"Content-Type": "application/json"}, Body: []byte(`{"result":5}`),
			Created: response.Created, Expires: response.Expires,
		}
		if diff := cmp.Diff(want, response); diff != "" {
			s.t.Errorf("(-want +got):\n%s", diff)
		}
		// The pair is gone, and nothing else is left.
		if names := s.names("sum/" + clientEmail); names != nil {
			s.t.Errorf("left: %v", names)
		}
		// A failed handler causes a response, not an error.
		if response, err := c.Call(context.Background(), request(s.t, "/fail", nil)); err != nil || response.StatusCode != 500 {
			s.t.Errorf("%v, %v", response, err)
		}
	})
}

func TestSendMatchesPythonPackage(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		req := request(s.t, "/echo", `{"a":1}`)
		req.ID = stem
		req.Headers = syftevent.Headers{"h": "1"}
		future, err := c.Send(context.Background(), req)
		if err != nil {
			s.t.Fatal(err)
		}
		data, err := os.ReadFile(s.path("echo", clientEmail, stem+".request"))
		if err != nil {
			s.t.Fatal(err)
		}
		want := `{"id":"` + stem + `","sender":"alice@example.com","url":"` + rpcURL + `/echo","body":"eyJhIjoxfQ==","headers":{"h":"1"},` +
			`"created":"2000-01-01T00:00:00+00:00","expires":"2000-01-01T00:15:00+00:00","method":"POST"}`
		if diff := cmp.Diff(want, string(data)); diff != "" {
			s.t.Errorf("(-want +got):\n%s", diff)
		}
		if future.ID != stem || !future.Expires.Equal(req.Expires) || req.Sender != "" {
			s.t.Errorf("future %s, expires %v; request's sender %q", future.ID, future.Expires, req.Sender)
		}
		if _, err := c.Send(context.Background(), req); err == nil || !strings.Contains(err.Error(), "used before") {
			s.t.Errorf("the same id again: %v", err)
		}
	})
}

func TestSendPaces(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		began := time.Now()
		for range 10 {
			if _, err := c.Send(context.Background(), request(s.t, "/echo", nil)); err != nil {
				s.t.Fatal(err)
			}
		}
		// Ten requests have nine pauses, and the folder is new.
		if took := time.Since(began); took != 25*time.Millisecond+9*5*time.Millisecond {
			s.t.Errorf("ten requests took %v", took)
		}
	})
}

// SyftBox prunes a directory that it has emptied, and never watches that path again.
func TestSendKeepsFolder(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		for range 2 {
			if _, err := c.Send(context.Background(), request(s.t, "/echo", nil)); err != nil {
				s.t.Fatal(err)
			}
			keep := s.path("echo", clientEmail, ".syftkeep")
			if err := os.Remove(keep); err != nil {
				s.t.Error(err)
			}
		}
	})
}

func TestSendRefuses(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		bad := map[string]func(*syftevent.Request){
			"method":       func(r *syftevent.Request) { r.Method = "OPTIONS" },
			"no endpoint":  func(r *syftevent.Request) { r.URL.Path = "/public/x" },
			"dots":         func(r *syftevent.Request) { r.URL.Path = "/app_data/demo/rpc/../../../x" },
			"ignored name": func(r *syftevent.Request) { r.URL.Path = "/app_data/demo/rpc/a/x.log" },
			"ignored app":  func(r *syftevent.Request) { r.URL.Path = "/app_data/dist/rpc/a" },
			"id":           func(r *syftevent.Request) { r.ID = "../x" },
			"id of marker": func(r *syftevent.Request) { r.ID = "x.rejected.y" },
			"hidden id":    func(r *syftevent.Request) { r.ID = ".x" },
		}
		for name, spoil := range bad {
			req := request(s.t, "/echo", nil)
			spoil(req)
			if _, err := c.Send(context.Background(), req); err == nil {
				s.t.Errorf("%s: it was sent", name)
			}
		}
		if _, err := (&syftevent.Client{}).Send(context.Background(), request(s.t, "/echo", nil)); err == nil {
			s.t.Error("a client without an address has sent")
		}
		entries, _ := os.ReadDir(s.replica.Datasites())
		if len(entries) != 1 {
			s.t.Errorf("folders were made: %v", entries)
		}
	})
}

func TestSendsToAnyNameIfAllowed(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		anywhere := &syftevent.Client{Email: c.Email, DataDir: c.DataDir, AllowAnyName: true}
		req := request(s.t, "/logs", nil)
		future, err := anywhere.Send(context.Background(), req)
		if err != nil {
			s.t.Fatal(err)
		}
		future.Cancel()
	})
}

func TestBroadcast(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		s.start()
		defer s.stop()
		urls := []string{rpcURL + "/echo", "not a URL", rpcURL + "/fail", rpcURL + "/nowhere"}
		futures := c.Broadcast(context.Background(), request(s.t, "", "hi"), urls)
		if len(futures) != len(urls) {
			s.t.Fatalf("%d futures", len(futures))
		}
		// A rejected request must not delay the others, and Wait returns it once.
		req := request(s.t, "", nil)
		req.URL.Path = "/app_data/other/rpc/echo"
		rejected, err := c.Send(context.Background(), req)
		if err != nil {
			s.t.Fatal(err)
		}
		name := filepath.Join(s.replica.Datasite(), "app_data/other/rpc/echo", clientEmail, rejected.ID)
		if err := os.Rename(name+".request", name+".rejected.request"); err != nil {
			s.t.Fatal(err)
		}
		var statuses []int
		var errs []error
		urls = append(urls, req.URL.String())
		for i, result := range append(futures, rejected).Wait(context.Background()) {
			if result.URL != urls[i] {
				s.t.Errorf("result %d is of %s, want %s", i, result.URL, urls[i])
			}
			if result.Err != nil {
				errs = append(errs, result.Err)
				continue
			}
			statuses = append(statuses, result.Response.StatusCode)
		}
		if diff := cmp.Diff([]int{200, 500, 404}, statuses); diff != "" {
			s.t.Errorf("(-want +got):\n%s", diff)
		}
		if len(errs) != 2 || !strings.Contains(errs[0].Error(), "not a URL") || !errors.Is(errs[1], syftevent.ErrRejected) {
			s.t.Errorf("errors %v", errs)
		}
	})
}

func TestCachedRequests(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		var runs atomic.Int32
		s.server.Router = syftevent.NewRouter()
		s.server.Router.OnRequest("/echo", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
			runs.Add(1)
			return echo(ctx, req)
		})
		s.start()
		defer s.stop()
		send := func(body string) string {
			s.t.Helper()
			req := request(s.t, "/echo", body)
			future, err := c.Send(context.Background(), req, syftevent.Cached())
			if err != nil {
				s.t.Fatal(err)
			}
			response, err := future.Wait(context.Background())
			if err != nil || string(response.Body) != body {
				s.t.Fatalf("%v, %v", response, err)
			}
			return future.ID
		}
		first, second, other := send("a"), send("a"), send("b")
		if first != second || first == other || runs.Load() != 2 {
			s.t.Errorf("ids %s, %s and %s, %d runs", first, second, other, runs.Load())
		}
		// After it has expired it is sent again: under another id while the old
		// response exists, and under its own id afterwards.
		time.Sleep(16 * time.Minute)
		third := send("a")
		os.Remove(s.path("echo", clientEmail, first+".request"))
		os.Remove(s.path("echo", clientEmail, first+".response"))
		fourth := send("a")
		if third == first || fourth != first || runs.Load() != 4 {
			s.t.Errorf("ids %s, then %s and %s, %d runs", first, third, fourth, runs.Load())
		}
	})
}

// A late response belongs to the request that has expired, not to the same request sent again.
func TestCachedRequestIgnoresLateResponse(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		other := &syftevent.Client{Email: c.Email, DataDir: c.DataDir} // in another process
		send := func(c *syftevent.Client, expiry time.Duration) *syftevent.Future {
			s.t.Helper()
			req := request(s.t, "/echo", "hi")
			req.Expires = time.Now().Add(expiry)
			future, err := c.Send(context.Background(), req, syftevent.Cached())
			if err != nil {
				s.t.Fatal(err)
			}
			return future
		}
		first := send(c, time.Second)
		if _, err := first.Wait(context.Background()); !errors.Is(err, syftevent.ErrExpired) {
			s.t.Fatal(err)
		}
		again, elsewhere := send(c, time.Minute), send(other, time.Minute)
		if again.ID == first.ID || elsewhere.ID != first.ID {
			s.t.Errorf("ids %s, then %s and, of the other client, %s", first.ID, again.ID, elsewhere.ID)
		}
		respond := func(expires time.Time) {
			s.respond(first.ID, strings.Replace(goodResponse, "{", `{"expires":"`+expires.Format(time.RFC3339Nano)+`",`, 1))
		}
		respond(first.Expires)
		for _, future := range []*syftevent.Future{again, elsewhere} {
			if response, done, err := future.Poll(); done {
				s.t.Errorf("the late response: %v, %v", response, err)
			}
		}
		respond(elsewhere.Expires)
		if response, err := elsewhere.Wait(context.Background()); err != nil || response.StatusCode != 200 {
			s.t.Errorf("%v, %v", response, err)
		}
		if _, err := again.Wait(context.Background()); !errors.Is(err, syftevent.ErrExpired) {
			s.t.Error(err)
		}
		// After a minute the id is used again.
		os.Remove(s.path("echo", clientEmail, first.ID+".request"))
		os.Remove(s.path("echo", clientEmail, first.ID+".response"))
		if later := send(c, time.Minute); later.ID != first.ID {
			s.t.Errorf("a minute later: id %s, want %s", later.ID, first.ID)
		}
	})
}

// An error means that nothing was sent.
func TestFailedSendWritesNothing(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		for range 3 {
			if _, err := c.Send(ctx, request(s.t, "/echo", nil)); !errors.Is(err, context.Canceled) {
				s.t.Errorf("%v", err)
			}
		}
		for _, future := range c.Broadcast(ctx, request(s.t, "", nil), []string{rpcURL + "/a", rpcURL + "/b"}) {
			if _, done, err := future.Poll(); !done || !errors.Is(err, context.Canceled) {
				s.t.Errorf("%s: done %v, %v", future.URL, done, err)
			}
		}
		if names := s.names("echo/" + clientEmail); names != nil {
			s.t.Errorf("sent: %v", names)
		}
	})
}

func TestConcurrentCachedRequestsShareOne(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		s.start()
		defer s.stop()
		errs := make(chan error)
		ids := make(chan string, 20)
		for range 20 {
			go func() {
				req, err := syftevent.NewRequest("GET", rpcURL+"/echo", "the same")
				if err == nil {
					var future *syftevent.Future
					if future, err = c.Send(context.Background(), req, syftevent.Cached()); err == nil {
						ids <- future.ID
						_, err = future.Wait(context.Background())
					}
				}
				errs <- err
			}()
		}
		for range 20 {
			if err := <-errs; err != nil {
				s.t.Error(err)
			}
		}
		first := <-ids
		for range 19 {
			if id := <-ids; id != first {
				s.t.Errorf("ids %s and %s", first, id)
			}
		}
		if stats := s.server.Stats(); stats.Answered != 1 {
			s.t.Errorf("%d answers", stats.Answered)
		}
	})
}

func TestCallDecodesTheResponse(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		s.start()
		defer s.stop()
		type result struct{ Result int }
		got, err := syftevent.Call[result](context.Background(), c, request(s.t, "/sum", map[string]int{"a": 2, "b": 3}))
		if err != nil || got.Result != 5 {
			s.t.Errorf("%+v, %v", got, err)
		}
		_, err = syftevent.Call[result](context.Background(), c, request(s.t, "/refuse", nil))
		var refused *syftevent.Error
		if !errors.As(err, &refused) || refused.StatusCode != 403 || refused.Message != "not you" {
			s.t.Errorf("%#v", err)
		}
	})
}

func TestWaitErrorNamesTheURL(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		future, err := c.Send(context.Background(), request(s.t, "/echo", nil))
		if err != nil {
			s.t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := future.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), rpcURL+"/echo") {
			s.t.Errorf("%v", err)
		}
	})
}
