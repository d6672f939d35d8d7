package syfthttp_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syftevent/syftevent-go/syftevent/syfthttp"
)

// A comparison is a request that is sent to one handler over HTTP and over SyftBox. Everything
// that the client gets and the handler sees must be the same, except what differ lists.
type comparison struct {
	name    string
	handler http.Handler

	method string // defaults to GET
	path   string // with the query; defaults to "/"
	header http.Header
	body   io.Reader
	do     func(c *http.Client, base string) (*http.Response, error) // instead of the fields above
	client func(c *http.Client)                                      // changes the client

	// want has observations that must be made both over HTTP and over SyftBox.
	want observations
	// differ has observations that are documented to differ.
	differ map[string]difference
}

// A difference has the observation over HTTP and that over SyftBox. Empty means none.
type difference struct{ http, syft string }

// observations are what one transport shows, by name:
//
//	error, status, length, uncompressed, body, body error, url    the response
//	location                                                      where Location leads
//	header NAME                                                   a header of the response
//	1 method, 1 path, 1 raw path, 1 query, 1 uri, 1 length        the first request at the handler
//	1 body, 1 header NAME, 1 note                                 the same
//
// Lists are printed with %q. The place of the app is replaced by BASE.
type observations map[string]string

func (o observations) set(name, format string, args ...any) {
	if text := fmt.Sprintf(format, args...); text != "" {
		o[name] = text
	}
}

type notesKey struct{}

// note records what a handler sees of a request beyond what is recorded of all requests.
func note(r *http.Request, format string, args ...any) {
	notes := r.Context().Value(notesKey{}).(*[]string)
	*notes = append(*notes, fmt.Sprintf(format, args...))
}

// An observer is a handler that records what another one sees.
type observer struct {
	handler http.Handler
	host    string // the Host that is documented
	base    string

	mu       sync.Mutex
	seen     observations
	requests int
	running  sync.WaitGroup
}

func (o *observer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.running.Add(1)
	defer o.running.Done()
	o.mu.Lock()
	o.requests++
	n := fmt.Sprint(o.requests, " ")
	o.mu.Unlock()
	seen := observations{}
	seen.set(n+"method", "%s", r.Method)
	seen.set(n+"path", "%q", r.URL.Path)
	seen.set(n+"raw path", "%s", r.URL.RawPath)
	seen.set(n+"query", "%s", r.URL.RawQuery)
	seen.set(n+"uri", "%s", r.RequestURI)
	seen.set(n+"length", "%d", r.ContentLength)
	seen.set(n+"proto", "%s %v %v", r.Proto, r.TransferEncoding, r.Trailer)
	if r.Host != o.host {
		seen.set(n+"host", "%s, want %s", r.Host, o.host)
	}
	if r.Body == http.NoBody {
		seen.set(n+"no body", "true")
	}
	for name, values := range r.Header {
		switch name {
		case "User-Agent":
			// http.Transport sets it; over SyftBox the header is the program's own.
			if strings.HasPrefix(values[0], "Go-http-client/") {
				continue
			}
		case "X-Syft-From":
			if r.RemoteAddr == "alice@example.com" && slices.Equal(values, []string{r.RemoteAddr}) {
				continue
			}
		case "X-Syft-Url":
			want := base + r.URL.Path
			if r.URL.RawQuery != "" {
				want += "?" + r.URL.RawQuery
			}
			if slices.Equal(values, []string{want}) {
				continue
			}
		}
		seen.set(n+"header "+name, "%s", strings.ReplaceAll(fmt.Sprintf("%q", values), o.base, "BASE"))
	}
	var body bytes.Buffer
	original := r.Body
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(original, &body), original}
	var notes []string
	defer func() {
		if p := recover(); p != nil {
			defer panic(p)
		}
		io.Copy(&body, original)
		seen.set(n+"body", "%s", shorten(body.Bytes()))
		seen.set(n+"note", "%s", strings.Join(notes, "; "))
		o.mu.Lock()
		defer o.mu.Unlock()
		for name, text := range seen {
			o.seen[name] = text
		}
	}()
	o.handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), notesKey{}, &notes)))
}

// shorten returns text for a body, the text itself if it is short.
func shorten(body []byte) string {
	if len(body) > 200 {
		return fmt.Sprintf("%d bytes, SHA-256 %x", len(body), sha256.Sum256(body))
	}
	if len(body) == 0 {
		return ""
	}
	return fmt.Sprintf("%q", body)
}

// observe makes the call of a comparison and returns what the client and the handler see.
func (c *comparison) observe(client *http.Client, base string, o *observer) observations {
	o.base, o.handler, o.seen = base, c.handler, observations{}
	if c.client != nil {
		c.client(client)
	}
	got := observations{}
	response, err := c.call(client, base)
	if err != nil {
		var e *url.Error
		if errors.As(err, &e) {
			err = e.Err
		}
		got.set("error", "%s", strings.ReplaceAll(err.Error(), base, "BASE"))
	}
	if response != nil {
		got.response(response, base)
		response.Body.Close()
	}
	o.running.Wait()
	for name, text := range o.seen {
		got[name] = text
	}
	return got
}

func (c *comparison) call(client *http.Client, base string) (*http.Response, error) {
	if c.do != nil {
		return c.do(client, base)
	}
	path := c.path
	if path == "" {
		path = "/"
	}
	if seeker, ok := c.body.(io.Seeker); ok {
		seeker.Seek(0, io.SeekStart)
	}
	r, err := http.NewRequest(c.method, base+path, c.body)
	if err != nil {
		return nil, err
	}
	for name, values := range c.header {
		r.Header[name] = values
	}
	return client.Do(r)
}

func (o observations) response(response *http.Response, base string) {
	body, err := io.ReadAll(response.Body)
	if err != nil && o["error"] == "" { // a client that returns an error has closed the body
		o.set("body error", "%v", err)
	}
	o.set("status", "%s", response.Status)
	o.set("body", "%s", shorten(body))
	o.set("uncompressed", "%v", response.Uncompressed)
	o.set("url", "%s", strings.ReplaceAll(response.Request.URL.String(), base, "BASE"))
	length := response.ContentLength
	if slices.Equal(response.TransferEncoding, []string{"chunked"}) && !response.Uncompressed {
		// A response in a file is never chunked, its length is known.
		length = int64(len(body))
		response.Header.Set("Content-Length", fmt.Sprint(length))
	}
	o.set("length", "%d", length)
	if location, err := response.Location(); err == nil {
		// An absolute path becomes an endpoint of the app. Both must lead to the same place.
		o.set("location", "%s", strings.Replace(location.String(), base, "BASE", 1))
		response.Header.Del("Location")
	}
	if response.StatusCode >= 200 {
		// The two responses were made at different times.
		if _, err := http.ParseTime(response.Header.Get("Date")); err == nil {
			response.Header.Del("Date")
		}
	}
	response.Header.Del("Connection") // documented: those of a connection are dropped
	for name, values := range response.Header {
		o.set("header "+name, "%q", values)
	}
}

func TestBehavesAsHTTP(t *testing.T) {
	for _, c := range comparisons() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := &observer{}
			server := httptest.NewUnstartedServer(o)
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.Start()
			defer server.Close()
			o.host = strings.TrimPrefix(server.URL, "http://")
			overHTTP := c.observe(server.Client(), server.URL, o)

			o = &observer{host: "bob@example.com"}
			client := &http.Client{Transport: &syfthttp.Transport{Client: startServer(t, o)}}
			overSyftBox := c.observe(client, base, o)

			for name, want := range c.want {
				if overHTTP[name] != want || overSyftBox[name] != want {
					t.Errorf("%s:\nHTTP    %s\nSyftBox %s\nwant    %s", name, overHTTP[name], overSyftBox[name], want)
				}
			}
			for name, want := range c.differ {
				if got := (difference{overHTTP[name], overSyftBox[name]}); got != want {
					t.Errorf("%s:\nHTTP    %s\nwant    %s\nSyftBox %s\nwant    %s", name, got.http, want.http, got.syft, want.syft)
				}
				delete(overHTTP, name)
				delete(overSyftBox, name)
			}
			if diff := cmp.Diff(overHTTP, overSyftBox); diff != "" {
				t.Errorf("differs (-HTTP +SyftBox):\n%s", diff)
			}
		})
	}
}
