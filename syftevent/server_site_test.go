package syftevent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

const (
	serverEmail = "bob@example.com"
	clientEmail = "alice@example.com"
	appName     = "demo"
	rpcPath     = "app_data/" + appName + "/rpc"
	stem        = "5f5b153c-d742-4027-8091-555b41a8795d"
	rpcURL      = "syft://" + serverEmail + "/" + rpcPath
)

// A site is a datasite with a server. Tests run in a synctest bubble: waiting takes no time,
// but the files are real.
type site struct {
	t       *testing.T
	replica *fakebox.Replica
	server  *syftevent.Server
}

func newSite(t *testing.T, router *syftevent.Router, replica *fakebox.Replica) *site {
	return &site{t: t, replica: replica, server: &syftevent.Server{
		AppName: appName,
		Client:  &syftevent.Client{Email: serverEmail, DataDir: replica.DataDir()},
		Router:  router,
		// Long, so that hours in a bubble take few scans.
		PollInterval: time.Second,
		Logger:       slog.New(slog.DiscardHandler),
	}}
}

func (s *site) start() {
	s.t.Helper()
	if err := s.server.Start(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) stop() {
	s.t.Helper()
	if err := s.server.Shutdown(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

// inBubble runs a test with a running server in a bubble.
func inBubble(t *testing.T, router *syftevent.Router, test func(s *site)) {
	t.Helper()
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, router, replica)
		s.start()
		defer s.stop()
		test(s)
	})
}

// envelope is a request file with some members replaced; nil removes one.
func envelope(endpoint string, members map[string]any) []byte {
	m := map[string]any{
		"id": stem, "sender": clientEmail, "url": rpcURL + endpoint, "body": nil,
		"headers": map[string]string{}, "method": "POST",
	}
	for name, value := range members {
		if value == nil {
			delete(m, name)
		} else {
			m[name] = value
		}
	}
	data, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return data
}

func (s *site) deliver(dir string, data []byte, mode fakebox.Mode) {
	s.t.Helper()
	err := s.replica.Deliver(rpcPath+"/"+dir+"/"+stem+".request", data, fakebox.Delivery{Mode: mode})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) path(parts ...string) string {
	return filepath.Join(append([]string{s.replica.Datasite(), rpcPath}, parts...)...)
}

type reply struct {
	ID      string            `json:"id"`
	Sender  string            `json:"sender"`
	URL     string            `json:"url"`
	Body    []byte            `json:"body"`
	Headers map[string]string `json:"headers"`
	Created time.Time         `json:"created"`
	Expires time.Time         `json:"expires"`
	Status  int               `json:"status_code"`
}

// wait waits for the response in a folder.
func (s *site) wait(dir string) reply {
	s.t.Helper()
	name := s.path(dir, stem+".response")
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return readReply(s.t, name)
	}
	s.t.Fatalf("no response %s within a minute", name)
	return reply{}
}

// readReply reads a response.
func readReply(t *testing.T, name string) reply {
	t.Helper()
	data, err := os.ReadFile(name)
	var r reply
	if err == nil {
		text := strings.NewReplacer("-", "+", "_", "/")
		var raw map[string]any
		if err = json.Unmarshal(data, &raw); err == nil {
			if body, ok := raw["body"].(string); ok {
				raw["body"] = text.Replace(body)
			}
			data, _ = json.Marshal(raw)
			err = json.Unmarshal(data, &r)
		}
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return r
}

// never checks that no response appears within many polls.
func (s *site) never(dir string) {
	s.t.Helper()
	time.Sleep(time.Minute)
	if _, err := os.Lstat(s.path(dir, stem+".response")); !errors.Is(err, fs.ErrNotExist) {
		s.t.Errorf("%s: there is a response", dir)
	}
}

func echo(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	return &syftevent.Response{Headers: req.Headers, Body: req.Body}, nil
}

func demoRouter() *syftevent.Router {
	router := syftevent.NewRouter()
	router.OnRequest("/echo", echo)
	router.OnRequest("POST /sum", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		var in struct{ A, B float64 }
		if err := req.DecodeJSON(&in); err != nil {
			return nil, err
		}
		return syftevent.JSON(200, map[string]float64{"result": in.A + in.B})
	})
	router.OnRequest("/fail", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return nil, errors.New("a secret detail")
	})
	router.OnRequest("/panic", func(context.Context, *syftevent.Request) (*syftevent.Response, error) { panic("a secret detail") })
	router.OnRequest("/nothing", func(context.Context, *syftevent.Request) (*syftevent.Response, error) { return nil, nil })
	router.OnRequest("/strange", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.Text(299, ""), nil
	})
	router.OnRequest("/refuse", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return nil, fmt.Errorf("wrapped: %w", syftevent.Errorf(403, "not you"))
	})
	router.OnRequest("/items/{id}", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.Text(200, req.PathValue("id")), nil
	})
	return router
}
