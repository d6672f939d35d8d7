package boxpage

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

// A Server is a Page that is served on its own address.
type Server struct {
	page   *Page
	server *http.Server
	url    string
	served chan error
}

// Listen serves the page of a network on a loopback address, such as "127.0.0.1:0", until
// Close.
func Listen(addr string, box *fakebox.Box, options Options) (*Server, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("boxpage: listen on %q: %w", addr, err)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("boxpage: listen on %q: not a loopback address such as 127.0.0.1:0", addr)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("boxpage: %w", err)
	}
	page := New(box, options)
	s := &Server{
		page: page, url: "http://" + listener.Addr().String() + page.Path(), served: make(chan error, 1),
		server: &http.Server{Handler: page, ReadHeaderTimeout: 10 * time.Second},
	}
	go func() { s.served <- s.server.Serve(listener) }()
	return s, nil
}

// URL returns the URL of the page, which contains its secret.
func (s *Server) URL() string { return s.url }

// Close stops the server and its page.
func (s *Server) Close() error {
	s.page.Close()
	err := s.server.Close()
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// Serve serves the page of a network until the end of the test, logs its URL and returns
// it.
func Serve(t fakebox.TB, box *fakebox.Box, options Options) (url string) {
	t.Helper()
	s, err := Listen("127.0.0.1:0", box, options)
	if err != nil {
		t.Fatalf("%v", err)
		return ""
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("boxpage: %v", err)
		}
	})
	t.Logf("boxpage: %s", s.URL())
	return s.URL()
}
