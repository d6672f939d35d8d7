package realbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	viewPath   = "/api/v1/datasite/view"
	eventsPath = "/api/v1/events"
)

// A proxy forwards the requests of one client, or of the gateway's callers, to the
// server. It keeps its address while the server restarts, counts requests, and can
// delay the server's file list.
type proxy struct {
	listener net.Listener
	server   *http.Server
	target   *atomic.Pointer[url.URL]

	views, connections atomic.Int64
	viewLatency        atomic.Int64 // nanoseconds
}

// newProxy starts a proxy to the server whose address target holds. Its goroutine
// ends with close.
func newProxy(target *atomic.Pointer[url.URL]) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start proxy: %w", err)
	}
	p := &proxy{listener: listener, target: target}
	reverse := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target.Load()) },
		ModifyResponse: func(r *http.Response) error {
			switch r.Request.URL.Path {
			case viewPath:
				return p.delay(r.Request.Context())
			case eventsPath:
				if r.StatusCode == http.StatusSwitchingProtocols {
					p.connections.Add(1)
				}
			}
			return nil
		},
		// Experiments stop the server: a failed connection is not an error.
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		ErrorLog:      log.New(io.Discard, "", 0),
		FlushInterval: -1,
	}
	p.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == viewPath {
				p.views.Add(1)
			}
			reverse.ServeHTTP(w, r)
		}),
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go p.server.Serve(listener)
	return p, nil
}

// delay holds back a file list that the server has already made, so that it is stale
// when the client receives it.
func (p *proxy) delay(ctx context.Context) error {
	d := time.Duration(p.viewLatency.Load())
	if d <= 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *proxy) url() string { return "http://" + p.listener.Addr().String() }

func (p *proxy) close() error {
	if err := p.server.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
