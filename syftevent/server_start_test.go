package syftevent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
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

func TestOneServerPerApp(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		first, second := newSite(t, nil, replica), newSite(t, nil, replica)
		first.start()
		began := time.Now()
		err := second.server.Start(context.Background())
		if !errors.Is(err, syftevent.ErrAppServed) || !strings.Contains(err.Error(), "process ") {
			t.Errorf("second server: %v", err)
		}
		if took := time.Since(began); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("it waited %v", took)
		}
		// A waiting server takes over as soon as the first has stopped.
		go func() {
			time.Sleep(5 * time.Second)
			first.stop()
		}()
		second.start()
		second.stop()
	})
}

func TestWaitingForTheLockEndsWithTheContext(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		first, second := newSite(t, nil, replica), newSite(t, nil, replica)
		first.start()
		defer first.stop()
		enough := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(context.Background(), time.Second, enough)
		defer cancel()
		if err := second.server.Start(ctx); !errors.Is(err, enough) {
			t.Errorf("%v", err)
		}
		// Run treats that as a normal end.
		if err := second.server.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestShutdownWhileStarting(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		first, second := newSite(t, nil, replica), newSite(t, nil, replica)
		first.start()
		defer first.stop()
		ended := make(chan error)
		go func() { ended <- second.server.Start(context.Background()) }()
		time.Sleep(time.Second) // it waits for the lock
		second.stop()
		if err := <-ended; !errors.Is(err, syftevent.ErrServerClosed) {
			t.Errorf("Start: %v", err)
		}
		if stats := second.server.Stats(); stats.Scans != 0 {
			t.Errorf("it serves: %+v", stats)
		}
	})
}

func TestStartRefusesNamesThatNeverArrive(t *testing.T) {
	for _, name := range []string{"logs", "dist", "Icon", "x.tmp", "a.conflict.b", "my-syftrejected", "a..b", `a\b`, "error.log", strings.Repeat("x", 236)} {
		router := syftevent.NewRouter()
		router.OnRequest("/v1/"+name+"/{id}", echo)
		client := &syftevent.Client{Email: serverEmail, DataDir: t.TempDir()}
		server := &syftevent.Server{AppName: appName, Client: client, Router: router, Logger: slog.New(slog.DiscardHandler)}
		err := server.Start(context.Background())
		if err == nil || !strings.Contains(err.Error(), "SyftBox") || !strings.Contains(err.Error(), "start_test.go:") {
			t.Errorf("endpoint %s: %v", name, err)
		}
		server.AllowAnyName = true
		if err := server.Start(context.Background()); err != nil && name != `a\b` && len(name) < 200 {
			t.Errorf("endpoint %s with AllowAnyName: %v", name, err)
		}
		server.Shutdown(context.Background())
		if err := (&syftevent.Server{AppName: name, Client: client}).Start(context.Background()); err == nil {
			t.Errorf("app %s has started", name)
		}
	}
}

func TestSchemaFollowsTheRoutes(t *testing.T) {
	router := syftevent.NewRouter()
	router.Handle("/echo", syftevent.Describe("Echo the body back.", syftevent.HandlerFunc(echo)))
	router.OnRequest("GET /items", echo)
	router.OnRequest("POST /items", echo)
	inBubble(t, router, func(s *site) {
		read := func() map[string]any {
			data, err := os.ReadFile(s.path("rpc.schema.json"))
			if err != nil {
				s.t.Fatal(err)
			}
			var schemas map[string]any
			if err := json.Unmarshal(data, &schemas); err != nil {
				s.t.Fatal(err)
			}
			return schemas
		}
		unknown := map[string]any{"description": nil, "args": map[string]any{}, "returns": "any"}
		want := map[string]any{
			"/echo":       map[string]any{"description": "Echo the body back.", "args": map[string]any{}, "returns": "any"},
			"GET /items":  map[string]any{"description": nil, "args": map[string]any{}, "returns": "any", "method": "GET"},
			"POST /items": map[string]any{"description": nil, "args": map[string]any{}, "returns": "any", "method": "POST"},
		}
		if diff := cmp.Diff(want, read()); diff != "" {
			s.t.Errorf("at start (-want +got):\n%s", diff)
		}
		router.OnRequest("/late/{id}", echo)
		s.deliver("late/7/"+clientEmail, envelope("/late/7", nil), fakebox.WebSocket)
		s.wait("late/7/" + clientEmail)
		want["/late/{id}"] = unknown
		if diff := cmp.Diff(want, read()); diff != "" {
			s.t.Errorf("after a registration (-want +got):\n%s", diff)
		}
		if _, err := os.Stat(s.path("late", ".syftkeep")); err != nil {
			s.t.Error(err)
		}
	})
}

// An invalid route, or a folder with the name of a file, does not affect the other routes.
func TestRoutesAreRepublished(t *testing.T) {
	router := syftevent.NewRouter()
	inBubble(t, router, func(s *site) {
		there := func(name string) bool { _, err := os.Stat(s.path(name, ".syftkeep")); return err == nil }
		router.OnRequest("/logs", echo)
		router.OnRequest("/good", echo)
		time.Sleep(time.Minute)
		if !there("good") || there("logs") {
			s.t.Errorf("good: %v, logs: %v", there("good"), there("logs"))
		}
		if err := os.WriteFile(s.path("late"), nil, 0o644); err != nil {
			s.t.Fatal(err)
		}
		router.OnRequest("/late", echo)
		time.Sleep(time.Minute)
		os.Remove(s.path("late"))
		time.Sleep(time.Minute)
		if !there("late") {
			s.t.Error("route not published although nothing is in its way")
		}
	})
}

func TestStartRemovesTemporaryFiles(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil, replica)
		s.replica.Deliver(rpcPath+"/echo/"+clientEmail+"/.syftevent-serve-ABC.tmp", []byte("ours"), fakebox.Delivery{})
		s.replica.Deliver(rpcPath+"/echo/"+clientEmail+"/.syftevent-send-ABC.tmp", []byte("a client's"), fakebox.Delivery{})
		s.start()
		defer s.stop()
		time.Sleep(time.Second)
		if diff := cmp.Diff([]string{".syftevent-send-ABC.tmp"}, s.names("echo/"+clientEmail)); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
	})
}

// In the legacy layout a request is directly in the endpoint's folder.
func TestStartMovesLegacyRequests(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		var ran atomic.Int32
		router := syftevent.NewRouter()
		router.OnRequest("/v1/users", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			ran.Add(1)
			return syftevent.Text(200, "ran"), nil
		})
		s := newSite(t, router, replica)
		put := func(name string, data []byte) {
			s.replica.Deliver(rpcPath+"/v1/users/"+name, data, fakebox.Delivery{})
		}
		request := func(stem string, members map[string]any) []byte {
			all := map[string]any{"id": stem}
			for name, value := range members {
				all[name] = value
			}
			return envelope("/v1/users", all)
		}
		sender := clientEmail + "/"
		ours := func(stem string) []byte {
			return []byte(`{"id":"` + stem + `","sender":"` + serverEmail + `","url":"` + rpcURL + `/v1/users","status_code":200}`)
		}
		// Answered: both are moved.
		put("answered.request", request("answered", nil))
		put("answered.response", []byte("{}"))
		// The move was interrupted after the response, and after the request's
		// new name was made.
		put("half.request", request("half", nil))
		put(sender+"half.response", ours("half"))
		put("most.request", request("most", nil))
		put(sender+"most.response", ours("most"))
		put(sender+"most.request", request("most", nil))
		// Expired: moved, and answered there.
		put("expired.request", request("expired", map[string]any{"expires": "1999-01-01T00:00:00Z"}))
		// Another file has the name there: it is not overwritten.
		put("taken.request", request("taken", nil))
		put("taken.response", []byte("{}"))
		put(sender+"taken.response", []byte(`{"other":1}`))
		// The sender put a file there that is not our response.
		put("planted.request", request("planted", nil))
		put(sender+"planted.response", []byte(`{"sender":"`+clientEmail+`","url":"x"}`))
		// Not answered: answered in place.
		put("fresh.request", request("fresh", nil))
		// Its sender is not a valid folder name: answered in place.
		put("escape.request", request("escape", map[string]any{"sender": "../../escaped@example.com", "expires": "1999-01-01T00:00:00Z"}))

		s.start()
		time.Sleep(time.Minute)
		s.stop()

		var files []string
		base := s.path("v1", "users")
		filepath.WalkDir(base, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
				rel, _ := filepath.Rel(base, name)
				files = append(files, filepath.ToSlash(rel))
			}
			return err
		})
		want := []string{
			sender + "answered.request", sender + "answered.response",
			sender + "expired.request", sender + "expired.response",
			sender + "half.request", sender + "half.response",
			sender + "most.request", sender + "most.response",
			sender + "planted.response",
			sender + "taken.response",
			"escape.request", "escape.response",
			"fresh.request", "fresh.response",
			"planted.request", "planted.response",
			"taken.request", "taken.response",
		}
		if diff := cmp.Diff(want, files); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
		if n := ran.Load(); n != 2 {
			t.Errorf("%d requests were run, want the fresh one and the one with a planted answer", n)
		}
		for name, status := range map[string]string{sender + "expired": "419", "fresh": "200", "planted": "200", "escape": "400"} {
			data, err := os.ReadFile(filepath.Join(base, name+".response"))
			if err != nil || !bytes.HasSuffix(data, []byte(`"status_code":`+status+`}`)) {
				t.Errorf("%s: %s, %v; want status %s", name, data, err, status)
			}
		}
	})
}

// A server that writes in place and was killed leaves an empty response.
func TestStartRunsRequestsWithEmptyResponse(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, demoRouter(), replica)
		s.deliver("echo/"+clientEmail, envelope("/echo", nil), fakebox.WebSocket)
		if err := os.WriteFile(s.path("echo", clientEmail, stem+".response"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		s.start()
		defer s.stop()
		time.Sleep(10 * time.Second)
		if got := s.wait("echo/" + clientEmail); got.Status != 200 {
			t.Errorf("status %d", got.Status)
		}
	})
}
