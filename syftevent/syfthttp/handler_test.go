package syfthttp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/syfteventtest"
	"github.com/syftevent/syftevent-go/syftevent/syfthttp"
)

func newRequest() *syftevent.Request {
	return syfteventtest.NewRequest("GET", "/notes", "alice@example.com", nil)
}

func TestHandlerPanicsWithoutHandler(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Handler(nil) did not panic")
		}
	}()
	syfthttp.Handler(nil)
}

func TestRefusesInvalidRequests(t *testing.T) {
	header := func(name, value string) func(*syftevent.Request) {
		return func(r *syftevent.Request) { r.Headers = syftevent.Headers{name: value} }
	}
	for _, test := range []struct {
		name   string
		change func(*syftevent.Request)
		want   string
	}{
		{"empty method", func(r *syftevent.Request) { r.Method = "" }, `Bad Request: invalid method ""`},
		{"method with a space", func(r *syftevent.Request) { r.Method = "GET /" }, `Bad Request: invalid method "GET /"`},
		{"method with a newline", func(r *syftevent.Request) { r.Method = "GET\n" }, `Bad Request: invalid method "GET\n"`},
		{"empty header name", header("", "1"), `Bad Request: invalid header name ""`},
		{"header name with a space", header("X A", "1"), `Bad Request: invalid header name "X A"`},
		{"header name with a colon", header("X:A", "1"), `Bad Request: invalid header name "X:A"`},
		{"header name with a newline", header("X\r\nA", "1"), `Bad Request: invalid header name "X\r\nA"`},
		{"header name that is not ASCII", header("X-É", "1"), `Bad Request: invalid header name "X-É"`},
		{"long header name", header(strings.Repeat("é", 200), "1"), `Bad Request: invalid header name "` + strings.Repeat("é", 100) + `"`},
		{"header value with a newline", header("X-A", "1\nX-B: 2"), `Bad Request: invalid value of header X-A: "1\nX-B: 2"`},
		{"header value with a NUL", header("X-A", "\x00"), `Bad Request: invalid value of header X-A: "\x00"`},
		{"header value with a DEL", header("X-A", "\x7f"), `Bad Request: invalid value of header X-A: "\x7f"`},
		{"query with a space", func(r *syftevent.Request) { r.URL.Query = "a b" }, `Bad Request: invalid character in query "a b"`},
		{"query with a newline", func(r *syftevent.Request) { r.URL.Query = "a\nb" }, `Bad Request: invalid character in query "a\nb"`},
		{"URL without an endpoint", func(r *syftevent.Request) { r.URL.Path = "/public/a" }, `Bad Request: URL "syft://server@example.com/public/a" is not that of an endpoint`},
	} {
		t.Run(test.name, func(t *testing.T) {
			handler := syfthttp.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") }))
			req := newRequest()
			test.change(req)
			got := syfteventtest.Serve(handler, req)
			if got.StatusCode != 400 || got.Text() != test.want {
				t.Errorf("got status %d, %q, want 400, %q", got.StatusCode, got.Text(), test.want)
			}
		})
	}
}

// headersAt returns the headers that a handler sees of a request, and the RemoteAddr.
func headersAt(t *testing.T, req *syftevent.Request) (headers http.Header, remoteAddr string) {
	t.Helper()
	got := syfteventtest.Serve(syfthttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers, remoteAddr = r.Header, r.RemoteAddr
	})), req)
	if got.StatusCode != 200 {
		t.Fatalf("got status %d, %q", got.StatusCode, got.Text())
	}
	return headers, remoteAddr
}

func TestDropsForgedHeaders(t *testing.T) {
	for _, verified := range []bool{true, false} {
		req := newRequest()
		req.SenderVerified = verified
		for _, name := range []string{
			"X-Syft-From", "x-syft-from", "X-SYFT-FROM", "X_Syft_From", "x_syft_from", "X-Syft_From", "x_SYFT-from",
			"X-Syft-Url", "x-syft-url", "X_SYFT_URL", "x-syft_url", "Host", "host", "HOST",
			"Content-Length", "content-length", "Content_Length",
			"X-Syft-Decrypted", "x_syft_decrypted", "X-Syft-Original-Sender", "X_SYFT-Original_Sender",
		} {
			req.Headers[name] = "forged"
		}
		req.Headers["X-Other"] = "kept"
		got, from := headersAt(t, req)
		want, wantFrom := http.Header{"X-Other": {"kept"}, "X-Syft-Url": {"syft://server@example.com/app_data/test/rpc/notes"}}, ""
		if verified {
			wantFrom = "alice@example.com"
			want["X-Syft-From"] = []string{wantFrom}
		}
		if diff := cmp.Diff(want, got); diff != "" || from != wantFrom {
			t.Errorf("verified %v: RemoteAddr %q, want %q; headers (-want +got):\n%s", verified, from, wantFrom, diff)
		}
	}
}

func TestConnectionCannotRemoveIdentity(t *testing.T) {
	req := newRequest()
	req.Headers = syftevent.Headers{"connection": "X-Syft-From, x-syft-url , x-hop", "x-hop": "1", "transfer-encoding": "chunked", "Te": "trailers"}
	got, _ := headersAt(t, req)
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, []string{"X-Syft-From", "X-Syft-Url"}) {
		t.Errorf("got headers %v", got)
	}
}

func TestMergesHeadersThatDifferInCase(t *testing.T) {
	req := newRequest()
	req.Headers = syftevent.Headers{"x-a": "3", "X-A": "1", "X-a": " 2\t"}
	got, _ := headersAt(t, req)
	if diff := cmp.Diff([]string{"1", "2", "3"}, got["X-A"]); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestServesRequestOfSyftBox(t *testing.T) {
	router := syftevent.NewRouter()
	router.Handle("/api/{kind}/{rest...}", syfthttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		original := syftevent.RequestFrom(r.Context())
		if original == nil || original.Sender != "alice@example.com" {
			t.Errorf("RequestFrom returned %v", original)
		}
		if got := r.PathValue("kind") + " " + r.PathValue("rest"); got != "notes 4 2/%41" {
			t.Errorf("got path values %q", got)
		}
		mux := http.NewServeMux()
		mux.HandleFunc("/api/notes/{kind}/", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.PathValue("kind")+" "+r.PathValue("rest"))
		})
		mux.ServeHTTP(w, r)
	})))
	router.Handle("/files/**", syfthttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.PathValue("**"))
	})))
	for endpoint, want := range map[string]string{
		"/api/notes/4 2/%41": "4 2 4 2/%41", // the mux has set kind
		"/files/a/b":         "a/b",
	} {
		if got := syfteventtest.Serve(router, syfteventtest.NewRequest("GET", endpoint, "alice@example.com", nil)); got.Text() != want {
			t.Errorf("%s: got status %d, %q, want %q", endpoint, got.StatusCode, got.Text(), want)
		}
	}
}

func TestRequestHasBodyAndLength(t *testing.T) {
	for name, test := range map[string]struct {
		body    any
		want    string
		noBody  bool
		headers []string
	}{
		"none":  {nil, "", true, nil},
		"empty": {[]byte{}, "", true, []string{"0"}},
		"text":  {"hello", "hello", false, []string{"5"}},
	} {
		req := syfteventtest.NewRequest("POST", "/", "alice@example.com", test.body)
		syfteventtest.Serve(syfthttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			noBody := r.Body == http.NoBody
			data, err := io.ReadAll(r.Body)
			if string(data) != test.want || err != nil || r.ContentLength != int64(len(test.want)) || noBody != test.noBody ||
				!slices.Equal(r.Header["Content-Length"], test.headers) {
				t.Errorf("%s: body %q, %v, ContentLength %d, NoBody %v, headers %v", name, data, err, r.ContentLength, noBody, r.Header)
			}
		})), req)
	}
}

func TestHandlerMayReplaceBody(t *testing.T) {
	req := syfteventtest.NewRequest("POST", "/", "alice@example.com", "hello")
	var original io.Reader
	got := syfteventtest.Serve(syfthttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		original, r.Body = r.Body, nil
	})), req)
	if got.StatusCode != 200 || got.Err != nil {
		t.Errorf("got status %d, %v", got.StatusCode, got.Err)
	}
	if _, err := original.Read(make([]byte, 1)); err != http.ErrBodyReadAfterClose {
		t.Errorf("reading the original body after the handler: %v", err)
	}
}

func TestHandlerMayOutliveItsCall(t *testing.T) {
	// The goroutine writes and reads while and after the response is made. The test is of use
	// with -race.
	for _, ended := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		var goroutine sync.WaitGroup
		wrote, stop := make(chan struct{}), make(chan struct{})
		handler := syfthttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body := r.Body
			goroutine.Go(func() {
				for n := 0; ; n++ {
					w.WriteHeader(202)
					io.WriteString(w, "x")
					body.Read(make([]byte, 1))
					if n == 0 {
						close(wrote)
					}
					select {
					case <-stop:
						n, err := io.WriteString(w, "late")
						if n != 0 || err == nil {
							t.Errorf("Write after the handler returned: %d, %v", n, err)
						}
						if _, err := body.Read(make([]byte, 1)); err != http.ErrBodyReadAfterClose {
							t.Errorf("Read after the handler returned: %v", err)
						}
						return
					default:
					}
				}
			})
			<-wrote
			if ended {
				cancel()
			}
		}))
		got := syfteventtest.ServeContext(ctx, handler, syfteventtest.NewRequest("POST", "/", "alice@example.com", "hello"))
		before := bytes.Clone(got.Body)
		close(stop)
		goroutine.Wait()
		cancel()
		if got.StatusCode != 202 || !bytes.Equal(before, got.Body) || strings.Trim(got.Text(), "x") != "" {
			t.Errorf("got status %d, %q", got.StatusCode, got.Text())
		}
	}
}

func TestStatusMayComeWhileTheHandlerReturns(t *testing.T) {
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		var goroutine sync.WaitGroup
		response, err := syfthttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			goroutine.Go(func() { w.WriteHeader(202) })
			cancel()
		})).ServeSyft(ctx, newRequest())
		goroutine.Wait()
		if left := errors.Is(err, context.Canceled); left == (response != nil) || !left && response.StatusCode != 202 {
			t.Errorf("got response %v, error %v", response, err)
		}
	}
}

func TestConcurrentWritesAreSafe(t *testing.T) {
	got := syfteventtest.Serve(syfthttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var writers sync.WaitGroup
		for range 8 {
			writers.Go(func() {
				for range 100 {
					io.WriteString(w, "12345")
				}
			})
		}
		writers.Wait()
	})), newRequest())
	if want := strings.Repeat("12345", 800); got.Text() != want {
		t.Errorf("got %d bytes, want %d", len(got.Body), len(want))
	}
}

func TestLimitsResponseBody(t *testing.T) {
	part := make([]byte, 1<<20)
	for _, method := range []string{"GET", "HEAD"} {
		failed := false
		req := newRequest()
		req.Method = method
		got := syfteventtest.Serve(syfthttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for range syfthttp.MaxBody / len(part) {
				if n, err := w.Write(part); n != len(part) || err != nil {
					t.Fatalf("%s: write up to MaxBody: %d, %v", method, n, err)
				}
			}
			n, err := w.Write([]byte{1})
			failed = n == 0 && err != nil
			w.Write([]byte{1})
		})), req)
		switch {
		case method == "HEAD" && (failed || got.StatusCode != 200 || got.Headers.Get("Content-Length") != "49283074"):
			t.Errorf("HEAD: failed %v, got status %d, headers %v", failed, got.StatusCode, got.Headers)
		case method == "GET" && (!failed || got.StatusCode != 500 || got.Err == nil || len(got.Body) > 100):
			t.Errorf("GET: failed %v, got status %d, error %v, %d bytes", failed, got.StatusCode, got.Err, len(got.Body))
		}
	}
}

func TestLeavesRequestsWhoseContextEnded(t *testing.T) {
	for _, test := range []struct {
		name string
		end  http.HandlerFunc
		left bool
	}{
		{"nothing written", func(w http.ResponseWriter, r *http.Request) {}, true},
		{"headers only", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-A", "1") }, true},
		{"early hints only", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(103) }, true},
		{"500", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "canceled", 500) }, true},
		{"503", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) }, true},
		{"777", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(777) }, true},
		{"200", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "done") }, false},
		{"204", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }, false},
		{"404", http.NotFound, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			response, err := syfthttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				cancel()
				<-r.Context().Done()
				test.end(w, r)
			})).ServeSyft(ctx, newRequest())
			if left := response == nil && errors.Is(err, context.Canceled); left != test.left || !left && err != nil {
				t.Errorf("got response %v, error %v", response, err)
			}
		})
	}
}

func TestContextEndsWithHandler(t *testing.T) {
	var ctx context.Context
	syfteventtest.Serve(syfthttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx = r.Context(); ctx.Err() != nil {
			t.Errorf("context of the handler: %v", ctx.Err())
		}
	})), newRequest())
	if ctx.Err() == nil {
		t.Error("the context did not end with the handler")
	}
}

func brokenHandler(w http.ResponseWriter, r *http.Request) { panic("fault") }

func TestPanicKeepsItsStack(t *testing.T) {
	dir := t.TempDir()
	router := syftevent.NewRouter()
	router.Handle("/**", syfthttp.Handler(http.HandlerFunc(brokenHandler)))
	server := &syftevent.Server{
		AppName: "web", Client: &syftevent.Client{Email: "bob@example.com", DataDir: dir}, Router: router,
		Logger: slog.New(slog.DiscardHandler), DebugMode: true,
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown(context.Background())
	web := &http.Client{Transport: &syfthttp.Transport{Client: &syftevent.Client{Email: "alice@example.com", DataDir: dir}}}
	response, err := web.Get(base + "/")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if response.StatusCode != 500 || err != nil || !strings.Contains(string(body), "brokenHandler") {
		t.Errorf("got status %d, %s, %v, want the stack of the panic", response.StatusCode, body, err)
	}
}

func TestAbortIsNotLogged(t *testing.T) {
	got := syfteventtest.Serve(syfthttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	})), newRequest())
	if got.StatusCode != 500 || got.Err != nil || strings.Contains(got.Text(), "half") {
		t.Errorf("got status %d, %q, error %v", got.StatusCode, got.Text(), got.Err)
	}
}

func TestPublishesStatusThatClientsKnow(t *testing.T) {
	for status, want := range map[int]int{
		200: 200, 218: 200, 299: 200, 300: 300, 306: 300, 399: 300, 420: 400, 430: 400, 498: 400, 419: 419, 499: 499,
		509: 500, 599: 500, 600: 500, 777: 500, 999: 500, 101: 101,
	} {
		got := syfteventtest.Serve(syfthttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Syft-Status", "1")
			w.WriteHeader(status)
		})), newRequest())
		original := ""
		if status != want {
			original = strconv.Itoa(status)
		}
		if got.StatusCode != want || got.Headers.Get("X-Syft-Status") != original {
			t.Errorf("%d: published %d with X-Syft-Status %q, want %d, %q", status, got.StatusCode, got.Headers.Get("X-Syft-Status"), want, original)
		}
	}
}

func TestJoinsHeadersForTheFile(t *testing.T) {
	got := syfteventtest.Serve(syfthttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-Many"] = []string{"a", "b, c"}
		h["Set-Cookie"] = []string{"a=1; Expires=Fri, 02 Jan 2026 03:04:05 GMT", "b=2"}
		h["X-None"] = []string{}
		h["X-Lines"] = []string{"\r\na\nb\r\n"}
		h["connection"] = []string{"x-hop"}
		h["X-Hop"] = []string{"1"}
		h["transfer-encoding"] = []string{"chunked"}
		w.WriteHeader(204)
	})), newRequest())
	want := syftevent.Headers{"X-Many": "a, b, c", "Set-Cookie": "a=1; Expires=Fri, 02 Jan 2026 03:04:05 GMT, b=2", "X-Lines": "a b"}
	if diff := cmp.Diff(want, got.Headers); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestDeclaredLengthMustBeWritten(t *testing.T) {
	for _, test := range []struct {
		declared, method string
		writes           []string
		status           int
	}{
		{"4", "GET", []string{"text"}, 200},
		{"4", "GET", []string{"text", "more"}, 200},
		{"4", "GET", []string{"te", "xt!"}, 500},
		{"4", "GET", []string{"longer"}, 500},
		{"4", "GET", []string{"te"}, 500},
		{"4", "GET", nil, 500},
		{"4", "HEAD", nil, 200},
		{"4", "HEAD", []string{"te"}, 200},
		{"-4", "GET", []string{"te"}, 200},
		{"0", "GET", nil, 200},
	} {
		req := newRequest()
		req.Method = test.method
		got := syfteventtest.Serve(syfthttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", test.declared)
			for _, s := range test.writes {
				io.WriteString(w, s)
			}
		})), req)
		if got.StatusCode != test.status {
			t.Errorf("%s, declared %s, wrote %q: got status %d, want %d", test.method, test.declared, test.writes, got.StatusCode, test.status)
		}
	}
}
