package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"

	"github.com/syftevent/syftevent-go/syftevent/syfthttp"
)

// newProxy returns the reverse proxy for a backend.
func newProxy(b *backend, f *serveFlags, logger *slog.Logger) http.Handler {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // pass on what the caller asked for
	transport.MaxIdleConnsPerHost = f.concurrency
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(b.URL)                        // with the backend's host
			r.Out.URL.RawQuery = r.In.URL.RawQuery // as it is, also if Go cannot parse it
			dropForwarded(r.Out.Header)            // ReverseProxy knows only three of them
		},
		ModifyResponse: func(response *http.Response) error {
			if location := response.Header.Get("Location"); location != "" {
				response.Header.Set("Location", b.appLocation(location))
			}
			return readWhole(response)
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			status, text := f.failure(err)
			if r.Context().Err() == nil || status == http.StatusGatewayTimeout {
				logger.Error("backend failed", "status", status, "method", r.Method, "url", r.URL.String(),
					"sender", r.Header.Get(syfthttp.FromHeader), "reason", err.Error())
			}
			http.Error(w, text, status)
		},
		ErrorLog: log.New(io.Discard, "", 0), // it logs failed flushes
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), f.timeout)
		defer cancel()
		proxy.ServeHTTP(w, r.WithContext(ctx))
	})
}

// dropForwarded removes the headers in which proxies say for whom they call. Programs behind CGI
// or WSGI do not tell "X_Real_Ip" from "X-Real-Ip".
func dropForwarded(h http.Header) {
	for name := range h {
		plain := http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
		if plain == "Forwarded" || plain == "X-Real-Ip" || strings.HasPrefix(plain, "X-Forwarded-") {
			delete(h, name)
		}
	}
}

var errTooLarge = fmt.Errorf("response body exceeds the limit of %d MiB", syfthttp.MaxBody>>20)

// readWhole reads the body of a response. ReverseProxy would publish the beginning of one that
// breaks off.
func readWhole(response *http.Response) error {
	if response.StatusCode == http.StatusSwitchingProtocols {
		return errors.New("service switched protocols without being asked")
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, syfthttp.MaxBody+1))
	if err != nil {
		return fmt.Errorf("read response body: %w", err)
	}
	if len(body) > syfthttp.MaxBody {
		return errTooLarge
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	if response.Request.Method != http.MethodHead && response.StatusCode != http.StatusNotModified && response.StatusCode != http.StatusNoContent {
		response.ContentLength = int64(len(body))
		response.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	return nil
}

// failure returns the status and the text for a caller whose request has no response of the
// backend. The text does not name the backend, which the caller need not know.
func (f *serveFlags) failure(err error) (status int, text string) {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout, fmt.Sprintf("Gateway Timeout: the service behind this app did not respond within %v.", f.timeout)
	case errors.Is(err, errTooLarge):
		return http.StatusBadGateway, "Bad Gateway: the response of the service behind this app is too large for SyftBox."
	}
	return http.StatusBadGateway, "Bad Gateway: the service behind this app is not running or broke off its response."
}
