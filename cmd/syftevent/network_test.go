package main

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"testing"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

// A network has Bob, who serves apps, and Alice, who calls them.
type network struct {
	box        *fakebox.Box
	bob, alice *fakebox.Replica
	began      chan string // senders of the requests to /block that have begun
	release    chan struct{}
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	box := fakebox.New(t, fakebox.Config{Speed: 20})
	return &network{
		box: box, bob: box.Join("bob@example.com"), alice: box.Join("alice@example.com"),
		began: make(chan string, 10), release: make(chan struct{}),
	}
}

// newNotes returns a network in which Bob serves the app "notes".
func newNotes(t *testing.T) *network {
	t.Helper()
	n := newNetwork(t)
	n.serveNotes(t)
	n.box.Start() // after the server: SyftBox rejects requests before it has the permissions
	return n
}

func (n *network) serveNotes(t *testing.T) {
	t.Helper()
	client, err := syftevent.LoadClient(n.bob.ConfigPath())
	if err != nil {
		t.Fatal(err)
	}
	router := syftevent.NewRouter()
	router.HandleFunc("/echo", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		response := syftevent.Bytes(200, req.Body)
		response.Headers = syftevent.Headers{"X-Seen": req.Method + " " + req.Headers.Get("Content-Type") + " " + req.Headers.Get("X-Test") + " " + req.URL.Query}
		return response, nil
	})
	router.HandleFunc("/status/{status}", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		status, err := strconv.Atoi(req.PathValue("status"))
		return syftevent.Text(status, "\x1b[2Jno "+http.StatusText(status)), err
	})
	router.HandleFunc("/move/{to}", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		to := map[string]string{"echo": "/echo?moved=1", "round": "/move/round", "web": "https://example.org/x"}[req.PathValue("to")]
		return &syftevent.Response{StatusCode: 302, Headers: syftevent.Headers{"Location": to}, Body: []byte("moved")}, nil
	})
	router.HandleFunc("/block", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		n.began <- req.Sender
		select {
		case <-n.release:
		case <-ctx.Done():
		}
		return syftevent.Text(200, "released"), nil
	})
	server := &syftevent.Server{AppName: "notes", Client: client, Router: router, Logger: slog.New(slog.DiscardHandler), DrainTimeout: -1}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Shutdown(context.Background()) })
}

// call runs "syftevent call" as Alice.
func (n *network) call(t *testing.T, args ...string) result {
	t.Helper()
	return n.callWith(t, "", args...)
}

// callWith is call with standard input.
func (n *network) callWith(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return runWith(t, stdin, append([]string{"call", "-config", n.alice.ConfigPath(), "-timeout", "2m"}, args...)...)
}
