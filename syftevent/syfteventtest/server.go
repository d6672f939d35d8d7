package syfteventtest

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/syfthttp"
)

// Sender is the address of a [Server]'s Client.
const Sender = "alice@example.com"

// A Server serves one app on a simulated SyftBox, which carries requests and responses at
// SyftBox's speed: a call takes a tenth of a second. It ends with its test. Fields must not be
// changed. The methods may be called concurrently.
type Server struct {
	// URL is that of the app's endpoint "/", "syft://server@example.com/app_data/test/rpc".
	// The URL of another endpoint is URL + "/hello".
	URL string
	// Client makes calls as [Sender].
	Client *syftevent.Client
	// Server is the running server.
	Server *syftevent.Server
	// Box is the simulated network. It injects faults and simulates outages.
	Box *fakebox.Box

	t fakebox.TB
}

// NewServer starts a server of [App] at [Datasite] on a new [fakebox.Box], and stops both when the
// test ends. A handler other than a [syftevent.Router] serves all endpoints. What the server logs
// is in the log of the test. If a step fails, the test fails.
func NewServer(t fakebox.TB, handler syftevent.Handler) *Server {
	t.Helper()
	router, ok := handler.(*syftevent.Router)
	if !ok {
		router = syftevent.NewRouter()
		router.Handle("/**", handler)
	}
	box := fakebox.New(t, fakebox.Config{})
	s := &Server{URL: "syft://" + Datasite + "/app_data/" + App + "/rpc", Box: box, t: t}
	s.Server = &syftevent.Server{
		AppName: App, Client: s.client(box.Join(Datasite)), Router: router,
		Logger: slog.New(slog.NewTextHandler(logWriter{t}, nil)),
	}
	s.Client = s.client(box.Join(Sender))
	// The first synchronization carries the server's syft.pub.yaml, without which SyftBox rejects
	// requests.
	if err := s.Server.Start(context.Background()); err != nil {
		t.Fatalf("%v", err)
	}
	box.Start()
	// It runs before the Box closes.
	t.Cleanup(func() {
		if err := s.Server.Shutdown(context.Background()); err != nil {
			t.Errorf("%v", err)
		}
	})
	return s
}

// ClientFor returns a client that makes calls as another person, who joins the network.
func (s *Server) ClientFor(email string) *syftevent.Client {
	s.t.Helper()
	return s.client(s.Box.Join(email))
}

// HTTPClient returns a client whose requests go over SyftBox as [Sender].
func (s *Server) HTTPClient() *http.Client {
	return &http.Client{Transport: &syfthttp.Transport{Client: s.Client}}
}

// Call makes a call as [Sender]; the arguments are those of [NewRequest]. If it fails, the test
// fails. A response with any status is not a failure.
func (s *Server) Call(method, endpoint string, body any) *syftevent.Response {
	s.t.Helper()
	req, err := syftevent.NewRequest(method, s.URL+"/"+strings.TrimPrefix(endpoint, "/"), body)
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	response, err := s.Client.Call(context.Background(), req)
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	return response
}

// client returns the client of a person on the network.
func (s *Server) client(replica *fakebox.Replica) *syftevent.Client {
	s.t.Helper()
	client, err := syftevent.LoadClient(replica.ConfigPath())
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	return client
}

// A logWriter writes lines to the log of a test.
type logWriter struct{ t fakebox.TB }

func (w logWriter) Write(line []byte) (int, error) {
	w.t.Logf("%s", strings.TrimSuffix(string(line), "\n"))
	return len(line), nil
}
