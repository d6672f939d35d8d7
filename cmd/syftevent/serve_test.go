package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// serveApp starts "syftevent serve" as Bob, and then the network.
func (n *network) serveApp(t *testing.T, args ...string) *background {
	t.Helper()
	b := start(t, append([]string{"serve", "-config", n.bob.ConfigPath(), "-app", "web"}, args...)...)
	eventually(t, "the server", func() bool {
		if len(b.status) > 0 {
			t.Fatalf("serve ended: %s", b.stderr)
		}
		return strings.Contains(b.stdout.String(), "\n")
	})
	n.box.Start()
	return b
}

func TestServeForwardsRequests(t *testing.T) {
	seen := make(chan *http.Request, 1)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		seen <- r
		w.Header().Add("Set-Cookie", "a=1")
		w.WriteHeader(http.StatusCreated)
		for _, part := range []string{"one ", "two ", "three"} { // a stream
			io.WriteString(w, part)
			w.(http.Flusher).Flush()
		}
	}))
	defer backend.Close()
	n := newNetwork(t)
	b := n.serveApp(t, "-to", backend.URL+"/base")
	if want := "serving " + backend.URL + "/base as syft://bob@example.com/app_data/web/rpc\n"; b.stdout.String() != want {
		t.Errorf("ready line %q, want %q", b.stdout, want)
	}
	forged := []string{
		"X-Forwarded-For: 10.0.0.1", "X-Forwarded-Host: bank.example", "X-Forwarded-Proto: https", "X_Forwarded_For: 10.0.0.1",
		"X-Forwarded-Prefix: /x", "Forwarded: for=10.0.0.1", "X-Real-IP: 10.0.0.1", "X-Syft-From: root@example.com", "x_syft_from: root@example.com",
		"X-Test: kept",
	}
	args := []string{"bob@example.com/web/a%20b/c/?q=1;2&r=%zz", "-X", "PUT", "-d", "body", "-i"}
	for _, header := range forged {
		args = append(args, "-H", header)
	}
	r := n.call(t, args...)
	got := <-seen
	body, _ := io.ReadAll(got.Body)
	if got.Method != "PUT" || got.RequestURI != "/base/a%20b/c/?q=1;2&r=%zz" || got.Host != strings.TrimPrefix(backend.URL, "http://") || string(body) != "body" {
		t.Errorf("the backend got %s %s of %s with body %q", got.Method, got.RequestURI, got.Host, body)
	}
	for name, want := range map[string]string{
		"X-Syft-From": "alice@example.com", "X-Test": "kept", "Content-Type": "text/plain",
		"X-Syft-Url": "syft://bob@example.com/app_data/web/rpc/a b/c/?q=1;2&r=%zz",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("the backend got %s %q, want %q", name, got.Header.Get(name), want)
		}
	}
	for name, values := range got.Header {
		if slices.ContainsFunc(values, func(v string) bool {
			return strings.Contains(v, "10.0.0.1") || strings.Contains(v, "root@") || strings.Contains(v, "bank") || v == "/x"
		}) {
			t.Errorf("the backend got the sender's header %s: %q", name, values)
		}
	}
	head, content, _ := strings.Cut(r.stdout, "\r\n\r\n")
	if content != "one two three" {
		t.Errorf("body %q", content)
	}
	contains(t, "the head", head, "HTTP/1.1 201 Created\r\n", "Content-Length: 13", "Set-Cookie: a=1")
	if status := b.stop(); status != exitOK || b.stderr.String() != "" {
		t.Errorf("after Ctrl-C: exit %d, %s", status, b.stderr)
	}
}

func TestServeReportsBackendFailures(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/broken":
			io.WriteString(w, "the beginning")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "/large":
			w.Write(make([]byte, 48<<20))
		}
	}))
	defer backend.Close()
	n := newNetwork(t)
	b := n.serveApp(t, "-to", backend.URL, "-timeout", "2m")
	n.call(t, "bob@example.com/web/").want(t, "GET /", exitOK, "", "")
	for _, test := range []struct{ path, head, body string }{
		{"broken", "502 Bad Gateway", "Bad Gateway: the service behind this app is not running or broke off its response.\n"},
		{"large", "502 Bad Gateway", "Bad Gateway: the response of the service behind this app is too large for SyftBox.\n"},
	} {
		r := n.call(t, "-i", "bob@example.com/web/"+test.path)
		if head, body, _ := strings.Cut(r.stdout, "\r\n\r\n"); body != test.body || !strings.HasPrefix(head, "HTTP/1.1 "+test.head) {
			t.Errorf("%s: got %s\n%s\n%s", test.path, head, body, r.stderr)
		}
		b.stderr.waitFor(t, "url="+backend.URL+"/"+test.path)
	}
	backend.CloseClientConnections()
	backend.Listener.Close()
	r := n.call(t, "-f", "bob@example.com/web/down")
	if r.status != exitStatus {
		t.Errorf("exit %d, want %d", r.status, exitStatus)
	}
	contains(t, "standard error", r.stderr, "the service behind this app is not running", "502 Bad Gateway")
	b.stderr.waitFor(t, "/down")
	contains(t, "the log", b.stderr.String(), `msg="backend failed" status=502`, "sender=alice@example.com", "connection refused")
}

func TestServeEndsEndlessResponses(t *testing.T) {
	closed := make(chan struct{})
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "the beginning")
		w.(http.Flusher).Flush()
		<-closed
	}))
	defer backend.Close()
	defer close(closed)
	n := newNetwork(t)
	b := n.serveApp(t, "-to", backend.URL, "-timeout", "300ms")
	r := n.call(t, "-i", "bob@example.com/web/x")
	if head, body, _ := strings.Cut(r.stdout, "\r\n\r\n"); body != "Gateway Timeout: the service behind this app did not respond within 300ms.\n" || !strings.HasPrefix(head, "HTTP/1.1 504 Gateway Timeout") {
		t.Errorf("got %s\n%s\n%s", head, body, r.stderr)
	}
	b.stderr.waitFor(t, "status=504")
}

func TestServeMakesRedirectsFollowable(t *testing.T) {
	var backend *httptest.Server
	backend = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/base/old":
			w.Header().Set("Location", backend.URL+"/base/new?x=1")
			w.WriteHeader(http.StatusMovedPermanently)
		default:
			fmt.Fprintf(w, "%s %s", r.Method, r.URL)
		}
	}))
	defer backend.Close()
	n := newNetwork(t)
	n.serveApp(t, "-to", backend.URL+"/base/", "-v")
	n.call(t, "-L", "bob@example.com/web/old").want(t, "-L", exitOK, "GET /base/new?x=1", "")
	contains(t, "the response", n.call(t, "-i", "bob@example.com/web/old").stdout, "Location: syft://bob@example.com/app_data/web/rpc/new?x=1\r\n")
}

func TestAppLocation(t *testing.T) {
	for _, test := range []struct{ backend, location, want string }{
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080/x", "/x"},
		{"http://127.0.0.1:8080", "HTTP://127.0.0.1:8080", "/"},
		{"http://127.0.0.1:8080", "//127.0.0.1:8080/x?a=b#c", "/x?a=b#c"},
		{"http://127.0.0.1:8080", "/x%2fy", "/x%2fy"},
		{"http://127.0.0.1:8080", "next", "next"},
		{"http://127.0.0.1:8080", "?page=2", "?page=2"},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080//evil.example/x", "/evil.example/x"},
		{"http://127.0.0.1:8080", "https://127.0.0.1:8080/x", "https://127.0.0.1:8080/x"},
		{"http://127.0.0.1:8080", "http://127.0.0.1:9090/x", "http://127.0.0.1:9090/x"},
		{"http://127.0.0.1:8080", "https://example.org/x", "https://example.org/x"},
		{"http://127.0.0.1:8080", "http://[::1", "http://[::1"},
		{"http://Example.org", "http://example.org:80/x", "/x"},
		{"https://example.org:443/api", "https://example.org/api/x", "/x"},
		{"http://example.org/api/", "/api/x", "/x"},
		{"http://example.org/api", "/api", "/"},
		{"http://example.org/api", "/apix", "http://example.org/apix"},
		{"http://example.org/api", "/api/../x", "http://example.org/x"},
	} {
		b, err := parseBackend(test.backend)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.appLocation(test.location); got != test.want {
			t.Errorf("%s, Location %s: got %s, want %s", test.backend, test.location, got, test.want)
		}
	}
}

func TestServeUsageErrors(t *testing.T) {
	n := newNetwork(t)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{}, "missing -app"},
		{[]string{"-app", "x"}, "missing -to"},
		{[]string{"-app", "x", "-to", "127.0.0.1:8080"}, "must begin with http:// or https://"},
		{[]string{"-app", "x", "-to", "ftp://example.org"}, `unsupported scheme "ftp"`},
		{[]string{"-app", "x", "-to", "http:///x"}, "has no host"},
		{[]string{"-app", "x", "-to", "http://u:p@example.org"}, "must not have a user"},
		{[]string{"-app", "x", "-to", "http://example.org/?q=1"}, "must not have a query"},
		{[]string{"-app", "x", "-to", "http://example.org/%zz"}, "invalid URL escape"},
		{[]string{"-app", "a/b", "-to", "http://example.org"}, "must be the name of one folder"},
		{[]string{"-app", "x", "-to", "http://example.org", "-concurrency", "0"}, "at least 1"},
		{[]string{"-app", "x", "-to", "http://example.org", "-timeout", "-1s"}, "must be positive"},
		{[]string{"-app", "x", "-to", "http://example.org", "more"}, "unexpected argument"},
	} {
		args := append([]string{"serve", "-config", n.bob.ConfigPath()}, test.args...)
		run(t, args...).want(t, fmt.Sprintf("%q", test.args), exitUsage, "", test.want)
	}
	run(t, "serve", "-config", n.bob.ConfigPath(), "-app", "logs", "-to", "http://example.org").
		want(t, "an app that SyftBox ignores", exitFailed, "", `syftevent: serve: app "logs": SyftBox never delivers`)
	run(t, "serve", "-app", "x", "-to", "http://example.org", "-config", "/no/such/file").want(t, "no configuration", exitConfig, "", "/no/such/file")
}

// A program in another language becomes an app.
func TestServePythonHTTPServer(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "folder", "hello.txt"), []byte("hello from python\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") // find a free port
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
	listener.Close()
	cmd := exec.Command(python, "-m", "http.server", "--bind", "127.0.0.1", "--directory", dir, port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	eventually(t, "python3 -m http.server", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	n := newNetwork(t)
	n.serveApp(t, "-to", "http://127.0.0.1:"+port)
	n.call(t, "bob@example.com/web/folder/hello.txt").want(t, "hello.txt", exitOK, "hello from python\n", "")
	if head := n.call(t, "-i", "-X", "HEAD", "bob@example.com/web/folder/hello.txt").stdout; !strings.HasSuffix(head, "\r\n\r\n") || !strings.Contains(head, "Content-Length: 18\r\n") {
		t.Errorf("HEAD: got %q", head)
	}
	contains(t, "the listing", n.call(t, "-L", "bob@example.com/web/folder").stdout, `<a href="hello.txt">`)
	contains(t, "a missing file", n.call(t, "-f", "bob@example.com/web/missing").stderr, "File not found", "syftevent: call: bob@example.com responded with status 404 Not Found")
}
