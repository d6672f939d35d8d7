package syfthttp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/syfthttp"
)

// A closeRecorder is a body that records whether it was closed.
type closeRecorder struct {
	io.Reader
	closed bool
}

func (c *closeRecorder) Close() error {
	c.closed = true
	return nil
}

// lonely returns a client in whose folder no server answers.
func lonely(t *testing.T) *syftevent.Client {
	return &syftevent.Client{Email: "alice@example.com", DataDir: t.TempDir()}
}

// requests returns the paths of the requests in a client's folder.
func requests(t *testing.T, client *syftevent.Client) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(client.DataDir, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".request") {
			paths = append(paths, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return paths
}

// waitForRequest returns the path of a request when it was sent.
func waitForRequest(t *testing.T, client *syftevent.Client) string {
	t.Helper()
	for {
		if paths := requests(t, client); len(paths) > 0 {
			return paths[0]
		}
		time.Sleep(time.Millisecond)
	}
}

func TestRefusesRequestsThatSyftBoxCannotCarry(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	fault := errors.New("fault")
	type call struct {
		transport *syfthttp.Transport
		request   *http.Request
	}
	for _, test := range []struct {
		name   string
		url    string // "" for a good one
		change func(*call)
		want   string
		is     error
	}{
		{name: "no user", url: "syft://example.com/app_data/web/rpc/a", want: "bad URL syft://example.com/app_data/web/rpc/a: must have the form syft://EMAIL/app_data/APP/rpc/ENDPOINT"},
		{name: "password", url: "syft://bob:secret@example.com/app_data/web/rpc/a", want: "bad URL syft://bob:xxxxx@example.com/app_data/web/rpc/a: has a password"},
		{name: "empty password", url: "syft://bob:@example.com/app_data/web/rpc/a", want: "has a password"},
		{name: "port", url: "syft://bob@example.com:80/app_data/web/rpc/a", want: "must have the form"},
		{name: "no host", url: "syft:///app_data/web/rpc/a", want: "must have the form"},
		{name: "opaque", url: "syft:bob@example.com/app_data/web/rpc/a", want: "must have the form"},
		{name: "encoded slash", url: base + "/a%2Fb", want: "has an encoded slash, question mark or number sign in its path"},
		{name: "encoded slash in lower case", url: base + "/a%2fb", want: "has an encoded slash"},
		{name: "encoded question mark", url: base + "/a%3Fb", want: "has an encoded slash, question mark"},
		{name: "encoded number sign", url: base + "/a%23b", want: "has an encoded slash, question mark or number sign"},
		{name: "encoded newline", url: base + "/a%0Ab", want: "bad URL"},
		{name: "dots", url: base + "/a/../b", want: `must not have the segment ".."`},
		{name: "encoded dots", url: base + "/a/%2e%2e/b", want: `must not have the segment ".."`},
		{name: "no endpoint", url: "syft://bob@example.com/app_data/web", want: "is not that of an endpoint"},
		{name: "no app", url: "syft://bob@example.com/public/a.txt", want: "is not that of an endpoint"},
		{name: "other scheme", url: "https://bob:secret@example.com/", want: `unsupported scheme "https" in https://bob:xxxxx@example.com/; Transport.Resolve is nil`},
		{name: "no scheme", url: "//example.com/", want: `unsupported scheme ""`},
		{name: "no URL", change: func(c *call) { c.request.URL = nil }, want: "request has no URL"},
		{name: "unknown host", url: "https://other.example/a", change: func(c *call) {
			c.transport.Resolve = syfthttp.Hosts(map[string]string{"notes.example": base})
		}, want: `resolve https://other.example/a: unknown host "other.example"`},
		{name: "host of no endpoint", url: "https://notes.example/a", change: func(c *call) {
			c.transport.Resolve = syfthttp.Hosts(map[string]string{"notes.example": "syft://bob@example.com"})
		}, want: "is not that of an endpoint"},
		{name: "host of no syft URL", url: "https://notes.example/a", change: func(c *call) {
			c.transport.Resolve = syfthttp.Hosts(map[string]string{"notes.example": "https://notes.example"})
		}, want: "Transport.Resolve returned no syft:// URL: https://notes.example/a"},
		{name: "host of a bad URL", url: "https://notes.example/a", change: func(c *call) {
			c.transport.Resolve = syfthttp.Hosts(map[string]string{"notes.example": "syft://bob@%zz"})
		}, want: "resolve https://notes.example/a: parse"},
		{name: "Resolve that returns nothing", url: "https://notes.example/a", change: func(c *call) {
			c.transport.Resolve = func(*url.URL) (*url.URL, error) { return nil, nil }
		}, want: "Transport.Resolve returned no syft:// URL"},
		{name: "Resolve that fails", url: "https://notes.example/a", change: func(c *call) {
			c.transport.Resolve = func(*url.URL) (*url.URL, error) { return nil, fault }
		}, want: "resolve https://notes.example/a: fault", is: fault},
		{name: "method OPTIONS", change: func(c *call) { c.request.Method = "OPTIONS" }, want: `unknown method "OPTIONS"`},
		{name: "method in lower case", change: func(c *call) { c.request.Method = "get" }, want: `unknown method "get"`},
		{name: "no client", change: func(c *call) { c.transport.Client = nil }, want: "Transport.Client is nil"},
		{name: "client without e-mail address", change: func(c *call) { c.transport.Client = &syftevent.Client{DataDir: c.transport.Client.DataDir} }, want: "Client.Email"},
		{name: "negative expiry", change: func(c *call) { c.transport.Expiry = -1 }, want: "Transport.Expiry is negative"},
		{name: "trailer", change: func(c *call) { c.request.Trailer = http.Header{"X-Sum": nil} }, want: "request has a trailer"},
		{name: "header name", change: func(c *call) { c.request.Header["X A"] = []string{"1"} }, want: `invalid header name "X A"`},
		{name: "header value", change: func(c *call) { c.request.Header.Set("Authorization", "secret\n") }, want: "invalid value of header Authorization"},
		{name: "large body", change: func(c *call) { c.transport.MaxRequestBody = 4 }, want: "request body exceeds Transport.MaxRequestBody of 4 bytes"},
		{name: "body that fails", change: func(c *call) {
			c.request.Body.(*closeRecorder).Reader = io.MultiReader(strings.NewReader("he"), iotest.ErrReader(fault))
		}, want: "read request body: fault", is: fault},
		{name: "short body", change: func(c *call) { c.request.ContentLength = 6 }, want: "request body has 5 bytes, its ContentLength is 6"},
		{name: "long body", change: func(c *call) { c.request.ContentLength = 4 }, want: "request body has 5 bytes, its ContentLength is 4"},
		{name: "canceled", change: func(c *call) { c.request = c.request.WithContext(canceled) }, want: "context canceled", is: context.Canceled},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := lonely(t)
			body := &closeRecorder{Reader: strings.NewReader("hello")}
			if test.url == "" {
				test.url = base + "/a"
			}
			r, err := http.NewRequest("POST", test.url, body)
			if err != nil {
				t.Fatal(err)
			}
			c := &call{&syfthttp.Transport{Client: client}, r}
			if test.change != nil {
				test.change(c)
			}
			_, err = c.transport.RoundTrip(c.request)
			if err == nil || !strings.HasPrefix(err.Error(), "syfthttp: ") || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got error %v, want %s", err, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error %v does not wrap %v", err, test.is)
			}
			if !body.closed {
				t.Error("the body was not closed")
			}
			if left := requests(t, client); left != nil {
				t.Errorf("request %v was sent", left)
			}
		})
	}
}

func TestTransportKeepsRequest(t *testing.T) {
	transport := &syfthttp.Transport{Client: startServer(t, echo)}
	body := &closeRecorder{Reader: strings.NewReader("hello")}
	r, err := http.NewRequestWithContext(t.Context(), "POST", base+"/a%20b?c=d", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{
		"Authorization": {"Basic Ym9iOg=="}, "Connection": {"X-Hop"}, "X-Hop": {"1"}, "X-Many": {"1", "2"}, "Host": {"x"}, "Content-Length": {"7"},
	}
	want := r.Clone(t.Context())
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if !body.closed {
		t.Error("the body was not closed")
	}
	if diff := cmp.Diff([]any{want.Method, want.URL.String(), want.Header, want.Host, want.ContentLength}, []any{r.Method, r.URL.String(), r.Header, r.Host, r.ContentLength}); diff != "" || r.Body != io.ReadCloser(body) {
		t.Errorf("the request was changed (-before +after):\n%s", diff)
	}
	if response.Request != r {
		t.Error("Response.Request is not the request")
	}
}

func TestLargestRequestBodyLimit(t *testing.T) {
	for _, limit := range []int64{-1, 5, math.MaxInt64} {
		web := &http.Client{Transport: &syfthttp.Transport{Client: startServer(t, echo), MaxRequestBody: limit}}
		response, err := web.Post(base+"/", "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(response.Body); string(body) != "hello" || err != nil {
			t.Errorf("limit %d: got %q, %v", limit, body, err)
		}
	}
}

func TestCancelRemovesRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := lonely(t)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			waitForRequest(t, client)
			cancel()
		}()
		r, _ := http.NewRequestWithContext(ctx, "GET", base+"/a", nil)
		_, err := (&http.Client{Transport: &syfthttp.Transport{Client: client}}).Do(r)
		var e *url.Error
		if !errors.Is(err, context.Canceled) || !errors.As(err, &e) || e.Timeout() {
			t.Errorf("got error %v", err)
		}
		if left := requests(t, client); left != nil {
			t.Errorf("%v still exists", left)
		}
	})
}

func TestTimeouts(t *testing.T) {
	ended, cancel := context.WithTimeout(t.Context(), -1)
	defer cancel()
	for _, test := range []struct {
		name     string
		ctx      context.Context
		deadline time.Duration // of the context, if ctx is nil
		timeout  time.Duration // of the http.Client
		expiry   time.Duration // of the Transport
		body     bool          // the request has a body that never comes
		after    time.Duration // at least
		is       []error
		isNot    error
	}{
		{name: "deadline", deadline: time.Minute, after: time.Minute, is: []error{context.DeadlineExceeded}},
		{name: "deadline before the expiry", deadline: time.Minute, expiry: time.Hour, after: time.Minute, is: []error{context.DeadlineExceeded}},
		{name: "deadline after the expiry", deadline: time.Hour, expiry: time.Minute, after: time.Hour, is: []error{context.DeadlineExceeded}},
		{name: "deadline that has passed", ctx: ended, is: []error{context.DeadlineExceeded}},
		{name: "http.Client.Timeout", timeout: time.Minute, after: time.Minute, is: []error{context.DeadlineExceeded}},
		{name: "expiry", expiry: time.Minute, after: time.Minute, is: []error{syftevent.ErrExpired}, isNot: context.DeadlineExceeded},
		{name: "default expiry", after: syftevent.DefaultExpiry, is: []error{syftevent.ErrExpired}, isNot: context.DeadlineExceeded},
		{name: "body that does not come", deadline: time.Minute, body: true, after: time.Minute, is: []error{context.DeadlineExceeded}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				ctx := test.ctx
				if ctx == nil {
					ctx = t.Context()
					if test.deadline > 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, test.deadline)
						defer cancel()
					}
				}
				client := lonely(t)
				web := &http.Client{Transport: &syfthttp.Transport{Client: client, Expiry: test.expiry}, Timeout: test.timeout}
				var body io.Reader
				if test.body {
					body, _ = io.Pipe()
				}
				r, _ := http.NewRequestWithContext(ctx, "POST", base+"/a", body)
				_, err := web.Do(r)
				var e *url.Error
				if !errors.As(err, &e) || !e.Timeout() {
					t.Errorf("got error %v, want a url.Error with Timeout", err)
				}
				for _, want := range test.is {
					if !errors.Is(err, want) {
						t.Errorf("error %v does not wrap %v", err, want)
					}
				}
				if test.isNot != nil && errors.Is(err, test.isNot) {
					t.Errorf("error %v wraps %v", err, test.isNot)
				}
				if after := time.Since(began); after < test.after { // the clock is that of synctest
					t.Errorf("timeout after %v, want %v", after, test.after)
				}
				if left := requests(t, client); left != nil {
					t.Errorf("%v still exists", left)
				}
			})
		})
	}
}

func TestReportsRejection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := lonely(t)
		go func() {
			path := waitForRequest(t, client)
			if err := os.Rename(path, strings.TrimSuffix(path, ".request")+".rejected.request"); err != nil {
				t.Error(err)
			}
		}()
		_, err := (&http.Client{Transport: &syfthttp.Transport{Client: client}}).Get(base + "/a")
		var e *url.Error
		if !errors.Is(err, syftevent.ErrRejected) || !errors.As(err, &e) || e.Timeout() {
			t.Errorf("got error %v, want one that wraps ErrRejected", err)
		}
	})
}

// compress returns data in the format of gzip.
func compress(data string) []byte {
	var buffer bytes.Buffer
	z := gzip.NewWriter(&buffer)
	io.WriteString(z, data)
	z.Close()
	return buffer.Bytes()
}

func TestHostileResponses(t *testing.T) {
	var mu sync.Mutex
	var answer *syftevent.Response
	client := startSyft(t, "bob@example.com", t.TempDir(), syftevent.HandlerFunc(func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		return answer, nil
	}))
	web := &http.Client{Transport: &syfthttp.Transport{Client: client}}
	hello := []byte("hello")
	zipped := compress("hello")
	type headers = syftevent.Headers
	for _, test := range []struct {
		name     string
		method   string // defaults to GET
		accept   string // Accept-Encoding
		response syftevent.Response
		err      error // of the call
		status   int   // defaults to 200
		body     string
		bodyErr  bool
		length   int64
		header   http.Header // must be among those of the response; nil values must be absent
	}{
		{name: "header name", response: syftevent.Response{Headers: headers{"X A": "1"}}, err: syftevent.ErrBadResponse},
		{name: "empty header name", response: syftevent.Response{Headers: headers{"": "1"}}, err: syftevent.ErrBadResponse},
		{name: "newline in a header value", response: syftevent.Response{Headers: headers{"X-A": "1\r\nX-B: 2"}}, err: syftevent.ErrBadResponse},
		{name: "NUL in a header value", response: syftevent.Response{Headers: headers{"X-A": "\x00"}}, err: syftevent.ErrBadResponse},
		{name: "headers of a connection", response: syftevent.Response{Headers: headers{"transfer-encoding": "chunked", "connection": "x-hop", "x-hop": "1"}},
			header: http.Header{"Transfer-Encoding": nil, "Connection": nil, "X-Hop": nil}},
		{name: "wrong Content-Length", response: syftevent.Response{Headers: headers{"content-length": "99"}, Body: hello}, body: "hello", length: 5, header: http.Header{"Content-Length": {"5"}}},
		{name: "Content-Length that is no number", response: syftevent.Response{Headers: headers{"Content-Length": "-1"}, Body: hello}, body: "hello", length: 5},
		{name: "HEAD with a body", method: "HEAD", response: syftevent.Response{Body: hello}, length: -1},
		{name: "HEAD with a bad Content-Length", method: "HEAD", response: syftevent.Response{Headers: headers{"Content-Length": "-5"}}, length: -1},
		{name: "204 with a body", response: syftevent.Response{StatusCode: 204, Body: hello}, status: 204},
		{name: "304 with a body", response: syftevent.Response{StatusCode: 304, Body: hello}, status: 304},
		{name: "100 with a body", response: syftevent.Response{StatusCode: 100, Body: hello}, status: 100},
		{name: "101 with a body", response: syftevent.Response{StatusCode: 101, Headers: headers{"Upgrade": "websocket"}, Body: hello}, status: 101, header: http.Header{"Upgrade": nil}},
		{name: "status of another class", response: syftevent.Response{StatusCode: 404, Headers: headers{"X-Syft-Status": "200"}}, status: 404, header: http.Header{"X-Syft-Status": nil}},
		{name: "status of the class", response: syftevent.Response{StatusCode: 400, Headers: headers{"x-syft-status": "420"}}, status: 420, header: http.Header{"X-Syft-Status": nil}},
		{name: "status that is no number", response: syftevent.Response{StatusCode: 500, Headers: headers{"X-Syft-Status": "many"}}, status: 500, header: http.Header{"X-Syft-Status": nil}},
		{name: "status that is too large", response: syftevent.Response{StatusCode: 500, Headers: headers{"X-Syft-Status": "1000"}}, status: 500},
		{name: "informational status", response: syftevent.Response{Headers: headers{"X-Syft-Status": "103"}}},
		{name: "gzip", response: syftevent.Response{Headers: headers{"content-encoding": "GZIP"}, Body: zipped}, body: "hello", length: -1, header: http.Header{"Content-Encoding": nil, "Content-Length": nil}},
		{name: "gzip that was asked for", accept: "gzip", response: syftevent.Response{Headers: headers{"Content-Encoding": "gzip"}, Body: zipped}, body: string(zipped), length: int64(len(zipped)), header: http.Header{"Content-Encoding": {"gzip"}}},
		{name: "plain body as gzip", response: syftevent.Response{Headers: headers{"Content-Encoding": "gzip"}, Body: hello}, body: "hello", length: 5, header: http.Header{"Content-Encoding": nil, "Content-Length": {"5"}}},
		{name: "plain body as gzip that was asked for", accept: "gzip", response: syftevent.Response{Headers: headers{"Content-Encoding": "gzip"}, Body: hello}, body: "hello", length: 5, header: http.Header{"Content-Encoding": nil}},
		{name: "corrupt gzip", response: syftevent.Response{Headers: headers{"Content-Encoding": "gzip"}, Body: []byte("\x1f\x8bhello, world")}, bodyErr: true, length: -1},
		{name: "truncated gzip", response: syftevent.Response{Headers: headers{"Content-Encoding": "gzip"}, Body: zipped[:len(zipped)-2]}, body: "hello", bodyErr: true, length: -1},
		{name: "other compression", response: syftevent.Response{Headers: headers{"Content-Encoding": "br"}, Body: hello}, body: "hello", length: 5, header: http.Header{"Content-Encoding": {"br"}}},
		{name: "large header", response: syftevent.Response{Headers: headers{"X-Large": strings.Repeat("a", 500<<10)}, Body: hello}, body: "hello", length: 5},
		{name: "date of the handler", response: syftevent.Response{Headers: headers{"date": "yesterday"}}, header: http.Header{"Date": {"yesterday"}}},
		{name: "cookies", response: syftevent.Response{Headers: headers{"set-cookie": `a="1, b=2"; Expires=Fri, 02 Jan 2026 03:04:05 GMT, c=3, d, e=4`}},
			header: http.Header{"Set-Cookie": {`a="1, b=2"; Expires=Fri, 02 Jan 2026 03:04:05 GMT`, "c=3, d", "e=4"}}},
		{name: "Location that is no URL", response: syftevent.Response{Headers: headers{"Location": "%zz"}}, header: http.Header{"Location": {"%zz"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			mu.Lock()
			answer = &test.response
			mu.Unlock()
			r, _ := http.NewRequest(test.method, base+"/a", nil)
			if test.accept != "" {
				r.Header.Set("Accept-Encoding", test.accept)
			}
			response, err := web.Do(r)
			if !errors.Is(err, test.err) {
				t.Fatalf("got error %v, want %v", err, test.err)
			}
			if err != nil {
				return
			}
			body, err := io.ReadAll(response.Body)
			if string(body) != test.body || (err != nil) != test.bodyErr || response.ContentLength != test.length {
				t.Errorf("got body %q, %v, ContentLength %d, want %q, %d", body, err, response.ContentLength, test.body, test.length)
			}
			want := test.status
			if want == 0 {
				want = 200
			}
			if response.StatusCode != want {
				t.Errorf("got status %d, want %d", response.StatusCode, want)
			}
			for name, want := range test.header {
				if diff := cmp.Diff(want, response.Header[name]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
			response.Body.Close()
			if _, err := response.Body.Read(make([]byte, 1)); response.Body != http.NoBody && err != http.ErrBodyReadAfterClose {
				t.Errorf("reading the closed body: %v", err)
			}
		})
	}
}

func TestLimitsResponseSize(t *testing.T) {
	client := startServer(t, text(strings.Repeat("a", 10_000)))
	client.MaxResponseSize = 1000
	_, err := (&http.Client{Transport: &syfthttp.Transport{Client: client}}).Get(base + "/a")
	if !errors.Is(err, syftevent.ErrBadResponse) {
		t.Errorf("got error %v, want ErrBadResponse", err)
	}
}

func TestTransportIsSafeForConcurrentUse(t *testing.T) {
	web := &http.Client{Transport: &syfthttp.Transport{Client: startServer(t, echo)}}
	var calls sync.WaitGroup
	for n := range 20 {
		calls.Go(func() {
			want := fmt.Sprint("body ", n)
			response, err := web.Post(fmt.Sprint(base, "/", n%3), "text/plain", strings.NewReader(want))
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			if body, err := io.ReadAll(response.Body); string(body) != want || err != nil {
				t.Errorf("got %q, %v, want %q", body, err, want)
			}
		})
	}
	calls.Wait()
}

func TestRegisterProtocol(t *testing.T) {
	client := startServer(t, redirects(302, "/to"))
	for _, scheme := range []string{"syft", "http+syft"} {
		transport := &http.Transport{}
		transport.RegisterProtocol(scheme, &syfthttp.Transport{Client: client})
		response, err := (&http.Client{Transport: transport}).Get(strings.Replace(base, "syft", scheme, 1) + "/from/here")
		if err != nil {
			t.Errorf("%s: %v", scheme, err)
			continue
		}
		if body, err := io.ReadAll(response.Body); string(body) != "GET /to" || err != nil {
			t.Errorf("%s: got %q, %v", scheme, body, err)
		}
	}
}

func TestRedirectOfAppWithSpecialName(t *testing.T) {
	dir := t.TempDir()
	router := syftevent.NewRouter()
	router.Handle("/**", syfthttp.Handler(redirects(302, "/to")))
	server := &syftevent.Server{AppName: "a %41 é", Client: &syftevent.Client{Email: "bob@example.com", DataDir: dir}, Router: router, Logger: slog.New(slog.DiscardHandler)}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown(context.Background())
	web := &http.Client{Transport: &syfthttp.Transport{Client: &syftevent.Client{Email: "alice@example.com", DataDir: dir}}}
	response, err := web.Get("syft://bob@example.com/app_data/a%20%2541%20%C3%A9/rpc/from/here")
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(response.Body); string(body) != "GET /to" || err != nil {
		t.Errorf("got %q, %v", body, err)
	}
}

// secrets responds with the headers that another datasite must not get.
var secrets = handlerFunc(func(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%q %q %q", r.Header["Authorization"], r.Header["Cookie"], r.Header["X-Other"])
})

func TestRedirectKeepsSecretsWithinDatasite(t *testing.T) {
	dir := t.TempDir()
	mux := http.NewServeMux()
	mux.Handle("/secrets", secrets)
	mux.Handle("/near", http.RedirectHandler("/secrets", 302))
	mux.Handle("/far", http.RedirectHandler("syft://carol@example.com/app_data/web/rpc/", 302))
	mux.Handle("/back", http.RedirectHandler("syft://carol@example.com/app_data/web/rpc/return", 302))
	startSyft(t, "bob@example.com", dir, syfthttp.Handler(mux))
	carol := http.NewServeMux()
	carol.Handle("/", secrets)
	carol.Handle("/return", http.RedirectHandler(base+"/secrets", 302))
	client := startSyft(t, "carol@example.com", dir, syfthttp.Handler(carol))
	web := &http.Client{Transport: &syfthttp.Transport{Client: client}}
	for path, want := range map[string]string{
		"/near": `["Bearer secret"] ["a=1"] ["1"]`,
		"/far":  `[] [] ["1"]`,
		"/back": `[] [] ["1"]`,
	} {
		for _, names := range [][]string{{"Authorization", "Cookie"}, {"authorization", "COOKIE"}} {
			r, _ := http.NewRequest("GET", base+path, nil)
			r.Header = http.Header{names[0]: {"Bearer secret"}, names[1]: {"a=1"}, "X-Other": {"1"}}
			response, err := web.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(response.Body); string(body) != want || err != nil {
				t.Errorf("%s with %v: got %s, %v, want %s", path, names, body, err, want)
			}
			response.Body.Close()
		}
	}
}

func TestAuthorizationOfURLIsNotSent(t *testing.T) {
	web := &http.Client{Transport: &syfthttp.Transport{Client: startServer(t, secrets)}}
	for authorization, want := range map[string]string{"": `[] [] []`, "Bearer secret": `["Bearer secret"] [] []`} {
		r, _ := http.NewRequest("GET", base+"/", nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		response, err := web.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(response.Body); string(body) != want {
			t.Errorf("got %s, want %s", body, want)
		}
	}
}

func TestCookieJarWithHosts(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/set", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1", Path: "/", Secure: true, HttpOnly: true})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "x, y=z", Path: "/", Expires: time.Now().AddDate(1, 0, 0)})
		http.SetCookie(w, &http.Cookie{Name: "old", Value: "1", Path: "/", Expires: time.Now().AddDate(-1, 0, 0)})
		http.Redirect(w, r, "/secrets", 303)
	})
	mux.Handle("/secrets", secrets)
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.String()) })
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Client{Jar: jar, Transport: &syfthttp.Transport{
		Client:  startServer(t, mux),
		Resolve: syfthttp.Hosts(map[string]string{"Notes.Example": base, "notes.example:8080": base + "/"}),
	}}
	for _, test := range []struct{ url, want string }{
		{"https://notes.example/set", `[] ["a=1; b=\"x, y=z\""] []`},
		{"https://notes.example/secrets", `[] ["a=1; b=\"x, y=z\""] []`},
		{"https://NOTES.example:8080/secrets", `[] ["a=1; b=\"x, y=z\""] []`}, // cookies ignore the port
		{"http://notes.example/secrets", `[] ["b=\"x, y=z\""] []`},
		{"https://notes.example", "/"},
		{"https://notes.example?a=b", "/?a=b"},
		{"https://notes.example:8080/?a=b", "/?a=b"},
	} {
		response, err := web.Get(test.url)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(response.Body); string(body) != test.want || err != nil {
			t.Errorf("%s: got %s, %v, want %s", test.url, body, err, test.want)
		}
		response.Body.Close()
	}
}

func TestBodyMayBeClosedWhileItIsRead(t *testing.T) {
	for name, handler := range map[string]http.Handler{"plain": text(strings.Repeat("a", 1<<20)), "gzip": compressed(text(strings.Repeat("a", 1<<20)))} {
		response, err := (&http.Client{Transport: &syfthttp.Transport{Client: startServer(t, handler)}}).Get(base + "/")
		if err != nil {
			t.Fatal(err)
		}
		var reader sync.WaitGroup
		reading := make(chan struct{})
		reader.Go(func() {
			buffer := make([]byte, 1)
			response.Body.Read(buffer)
			close(reading)
			for {
				_, err := response.Body.Read(buffer)
				if err == http.ErrBodyReadAfterClose {
					return
				}
				if err != nil && err != io.EOF {
					t.Errorf("%s: %v", name, err)
					return
				}
			}
		})
		<-reading
		response.Body.Close()
		reader.Wait()
	}
}

// A callerFunc is a Caller.
type callerFunc func(context.Context, *syftevent.Request) (*syftevent.Response, error)

func (f callerFunc) Call(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	return f(ctx, req)
}

func TestCallerMakesTheCalls(t *testing.T) {
	failed := errors.New("the caller has failed")
	for name, test := range map[string]struct {
		response *syftevent.Response
		err      error
		want     string
	}{
		"response": {response: syftevent.Text(201, "by the caller")},
		"error":    {err: failed, want: failed.Error()},
		"expired":  {err: syftevent.ErrExpired, want: "expired"},
		"neither":  {want: "no response"},
	} {
		t.Run(name, func(t *testing.T) {
			caller := callerFunc(func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
				if req.Method != "POST" || string(req.Body) != "x" || req.URL.Query != "q=1" {
					t.Errorf("%+v", req)
				}
				return test.response, test.err
			})
			web := &http.Client{Transport: &syfthttp.Transport{Caller: caller, OnSend: func(*syftevent.Future) { t.Error("OnSend was called") }}}
			response, err := web.Post(base+"/x?q=1", "text/plain", strings.NewReader("x"))
			if test.want != "" {
				var timeout interface{ Timeout() bool }
				if err == nil || !strings.Contains(err.Error(), test.want) || test.err != nil && !errors.Is(err, test.err) {
					t.Errorf("got %v, %v", response, err)
				} else if errors.As(err, &timeout); timeout.Timeout() != (test.err == syftevent.ErrExpired) {
					t.Errorf("Timeout() of %v is %v", err, timeout.Timeout())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != 201 || string(body) != "by the caller" {
				t.Errorf("%d %q %v", response.StatusCode, body, err)
			}
		})
	}
}
