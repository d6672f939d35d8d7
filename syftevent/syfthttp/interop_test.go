package syfthttp_test

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/syfthttp"
)

// The tests in this file exchange requests with FastSyftBox 0.1.21, a Python package that serves
// a FastAPI app over SyftBox. "make interop-http" runs them. The same requests also go over HTTP,
// and the files testdata/fastsyftbox-*.txt record what differs.
var (
	python = flag.String("fastsyftbox", "", "run the tests with FastSyftBox, with the Python interpreter `python` of \"make python-http\"")
	record = flag.Bool("fastsyftbox.record", false, "write testdata/fastsyftbox-*.txt instead of comparing them")
)

const scripts = "../../testdata/targets/python/"

func needPython(t *testing.T) {
	t.Helper()
	if *python == "" {
		t.Skip("needs FastSyftBox: run \"make interop-http\"")
	}
}

// patience is how long the tests wait for a condition on a busy machine.
const patience = 3 * time.Minute

// startScript starts a script of FastSyftBox, and stops it at the end of the test. It must then
// exit with status 0.
func startScript(t *testing.T, env []string, args ...string) (stdin io.WriteCloser, stdout *bufio.Reader) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, *python, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	cmd.Env = append(append(os.Environ(), "PYTHONHASHSEED=0"), env...) // for the order of methods in Allow
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		cmd.Wait() // its error is at least that of ctx
		if !cmd.ProcessState.Success() {
			t.Errorf("%s: %v", args[0], cmd.ProcessState)
		}
		if t.Failed() {
			t.Logf("%s:\n%s", args[0], stderr.String())
		}
	})
	return stdin, bufio.NewReader(out)
}

// startApp starts the FastSyftBox app "web" and returns the URL of its HTTP server.
func startApp(t *testing.T, config string) string {
	t.Helper()
	_, stdout := startScript(t, []string{"SYFTBOX_CLIENT_CONFIG_PATH=" + config}, scripts+"fastsyftbox_app.py", "web")
	line, err := stdout.ReadBytes('\n')
	var ready struct{ Port int }
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	if err != nil || ready.Port == 0 {
		t.Fatalf("FastSyftBox app printed no line with its port: %q, %v", line, err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", ready.Port)
}

// A call is one request, and what a test says about it.
type call struct {
	what, method, path string
	headers            map[string]string
	body               string // empty means none
	unanswered         bool   // over SyftBox no response comes
	gateway            bool   // also send it through the gateway
	sender             string // through the gateway; empty means alice
}

func (c call) request(t *testing.T, base string) *http.Request {
	t.Helper()
	var body io.Reader
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	r, err := http.NewRequest(c.method, base+c.path, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range c.headers {
		r.Header.Set(name, value)
	}
	return r
}

// do sends a call and describes its response. It does not follow redirects.
func (c call) do(t *testing.T, transport http.RoundTripper, base string) string {
	t.Helper()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r := c.request(t, base)
	response, err := client.Do(r)
	if err != nil {
		if errors.Is(err, syftevent.ErrExpired) {
			return "no response"
		}
		return "error: " + errors.Unwrap(err).Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Sprintf("%d, error while reading the body: %v", response.StatusCode, err)
	}
	return describe(response.StatusCode, response.Header, body, base)
}

// describe describes a response in a few lines, without the URL of the app, and the headers that
// differ in each run.
func describe(status int, headers http.Header, body []byte, base string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d", status)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		for _, value := range headers[name] {
			if name = http.CanonicalHeaderKey(name); name != "Date" && name != "Server" {
				fmt.Fprintf(&b, "\n  %s: %s", name, strings.ReplaceAll(value, base, ""))
			}
		}
	}
	if zip, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
		b.WriteString("\n  gzip:")
		if body, err = io.ReadAll(zip); err != nil {
			fmt.Fprintf(&b, " %v", err)
		}
	}
	text := strings.ReplaceAll(string(body), base, "")
	switch {
	case len(body) == 0:
	case len(body) > 600:
		fmt.Fprintf(&b, "\n  %.40q and more, %d bytes", body, len(body))
	case utf8.Valid(body) && !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' }):
		fmt.Fprintf(&b, "\n  %s", text)
	default:
		fmt.Fprintf(&b, "\n  %q", body)
	}
	return b.String()
}

// throughGateway sends a call through SyftBox's gateway, and describes the response in its reply.
func (c call) throughGateway(t *testing.T, gateway, base string) string {
	t.Helper()
	sender := cmp.Or(c.sender, alice)
	method, target := c.method, "/api/v1/send/msg?"+url.Values{
		"x-syft-from": {sender}, "x-syft-url": {base + c.path}, "suffix-sender": {"true"}, "timeout": {"10000"},
	}.Encode()
	for deadline := time.Now().Add(patience); ; {
		c.method, c.path = method, target
		response, err := http.DefaultClient.Do(c.request(t, gateway))
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode == http.StatusAccepted && time.Now().Before(deadline) {
			if location := response.Header.Get("Location"); location != "" {
				method, target = "GET", location+"&timeout=10000"
			}
			continue
		}
		if response.StatusCode == http.StatusAccepted {
			t.Fatalf("timeout: %s: no response from the gateway", c.what)
		}
		var reply struct {
			Data struct {
				Message struct {
					Status  int `json:"status_code"`
					Headers map[string]string
					Body    json.RawMessage
				}
			}
		}
		if err := json.Unmarshal(data, &reply); response.StatusCode != 200 || err != nil {
			return fmt.Sprintf("no response: %d %s", response.StatusCode, bytes.TrimSpace(data))
		}
		headers := http.Header{}
		for name, value := range reply.Data.Message.Headers {
			headers.Add(name, value)
		}
		return describe(reply.Data.Message.Status, headers, reply.Data.Message.Body, base)
	}
}

// A transcript describes calls and their responses by several ways.
type transcript struct{ strings.Builder }

// add adds a call. The responses are those of the ways with these names.
func (tr *transcript) add(c call, ways []string, responses []string) {
	fmt.Fprintf(tr, "# %s\n%s %s\n", c.what, c.method, c.path)
	for _, name := range slices.Sorted(maps.Keys(c.headers)) {
		fmt.Fprintf(tr, "  %s: %s\n", name, c.headers[name])
	}
	if c.body != "" {
		fmt.Fprintf(tr, "  %q\n", c.body)
	}
	for i := 0; i < len(ways); {
		same := []string{ways[i]}
		for j := i + 1; j < len(ways) && responses[j] == responses[i]; j++ {
			same = append(same, ways[j])
		}
		fmt.Fprintf(tr, "%s: %s\n", strings.Join(same, ", "), responses[i])
		i += len(same)
	}
	tr.WriteString("\n")
}

// compare compares the transcript with a file in testdata, or writes the file.
func (tr *transcript) compare(t *testing.T, name string) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *record {
		if err := os.WriteFile(name, []byte(tr.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), tr.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

const (
	alice, bob = "alice@example.com", "bob@example.com"
	appRPC     = "app_data/web/rpc"
)

// newNetwork returns a simulated network that is ten times as fast as SyftBox. start starts the
// app "web" of bob.
func newNetwork(t *testing.T, start func(replica *fakebox.Replica)) (sender *fakebox.Replica, gateway string) {
	t.Helper()
	box := fakebox.New(t, fakebox.Config{Seed: 1, Speed: 10})
	server, sender := box.Join(bob), box.Join(alice)
	start(server)
	if err := box.Start(); err != nil {
		t.Fatal(err)
	}
	// Until SyftBox's server has the permissions.
	for cycles, deadline := server.Cycles(), time.Now().Add(patience); server.Cycles() < cycles+2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("timeout: full sync")
		}
	}
	hub := httptest.NewServer(box.Gateway())
	t.Cleanup(hub.Close)
	return sender, hub.URL
}

// TestFastSyftBoxApp calls a FastSyftBox app through Transport.
func TestFastSyftBoxApp(t *testing.T) {
	needPython(t)
	t.Parallel()
	var web string
	sender, gateway := newNetwork(t, func(r *fakebox.Replica) { web = startApp(t, r.ConfigPath()) })
	client, err := syftevent.LoadClient(sender.ConfigPath())
	if err != nil {
		t.Fatal(err)
	}
	calls := []call{
		{what: "query", method: "GET", path: "/hello?name=ann&times=2", gateway: true},
		{what: "encoded query", method: "GET", path: "/hello?name=a%20%26%C3%BC%2B%25", gateway: true},
		{what: "plus in query", method: "GET", path: "/hello?name=a+b"},
		{what: "repeated query parameter", method: "GET", path: "/echo?q=1&q=2&p=3", gateway: true},
		{what: "query parameter without a value", method: "GET", path: "/echo?q&p="},
		{what: "validation error: missing parameter", method: "GET", path: "/hello"},
		{what: "JSON", method: "POST", path: "/sum", headers: map[string]string{"Content-Type": "application/json"}, body: `{"a":2,"b":3}`, gateway: true},
		{what: "validation error: missing field", method: "POST", path: "/sum", headers: map[string]string{"Content-Type": "application/json"}, body: `{"a":2}`},
		{what: "invalid JSON", method: "POST", path: "/sum", headers: map[string]string{"Content-Type": "application/json"}, body: `{"a":`},
		{what: "missing body", method: "POST", path: "/sum"},
		{what: "request headers", method: "PUT", path: "/echo", headers: map[string]string{"X-A": "a, b", "Cookie": "c=1; d=2", "Content-Type": "text/plain"}, body: "text", gateway: true},
		{what: "forged sender", method: "GET", path: "/echo", headers: map[string]string{"X-Syft-From": "carol@example.com", "X-Syft-Url": "syft://x"}, gateway: true},
		{what: "body that is not UTF-8", method: "POST", path: "/echo", body: "\xff\x00\xfe", gateway: true},
		{what: "PATCH", method: "PATCH", path: "/echo", body: "x", gateway: true},
		{what: "DELETE", method: "DELETE", path: "/echo"},
		{what: "HEAD", method: "HEAD", path: "/echo", gateway: true},
		{what: "method without a route", method: "PUT", path: "/hello"},
		{what: "OPTIONS", method: "OPTIONS", path: "/echo"},
		{what: "Set-Cookie and X-Multi with two values", method: "GET", path: "/headers", gateway: true},
		{what: "compressed by the app, if asked for", method: "GET", path: "/large"},
		{what: "asking for no compression", method: "GET", path: "/large", headers: map[string]string{"Accept-Encoding": "identity"}, gateway: true},
		{what: "asking for compression by oneself", method: "GET", path: "/large", headers: map[string]string{"Accept-Encoding": "gzip"}, gateway: true},
		{what: "gzip file", method: "GET", path: "/gzip", gateway: true},
		{what: "binary body", method: "POST", path: "/binary", body: "\x00\x01"},
		{what: "empty body", method: "GET", path: "/empty", gateway: true},
		{what: "streamed body", method: "GET", path: "/stream"},
		{what: "HTTPException", method: "GET", path: "/status/418", gateway: true},
		{what: "HTTPException 404", method: "GET", path: "/missing"},
		{what: "status 204", method: "GET", path: "/status/204"},
		{what: "status 304", method: "GET", path: "/status/304"},
		{what: "exception", method: "GET", path: "/exception", gateway: true},
		{what: "redirect", method: "GET", path: "/redirect"},
		{what: "route with a slash at the end", method: "GET", path: "/folder/"},
		{what: "the same without it", method: "GET", path: "/folder"},
		{what: "longer than the timeout of httpx", method: "GET", path: "/slow"},
		{what: "route for POST beside one for GET", method: "POST", path: "/notes?note=1"},
		{what: "its result", method: "GET", path: "/notes"},
		{what: "cookies that the app has set for others", method: "GET", path: "/echo", gateway: true, sender: "carol@example.com"},
		{what: "path below a route", method: "GET", path: "/echo/below"},
		{what: "route below one with a parameter", method: "GET", path: "/items/all"},
		{what: "name of a path parameter", method: "GET", path: "/items/%7Bitem%7D", gateway: true},
		{what: "path parameter", method: "GET", path: "/items/42", unanswered: true},
		{what: "unknown path", method: "GET", path: "/unknown", unanswered: true},
		{what: "documentation of FastAPI", method: "HEAD", path: "/openapi.json", unanswered: true},
		// It ends the thread that handles requests.
		{what: "status that syft-rpc does not know", method: "GET", path: "/status/420", unanswered: true},
		{what: "any request after that", method: "GET", path: "/hello?name=ann", unanswered: true},
	}
	base := "syft://" + bob + "/" + appRPC
	follow := &http.Client{Transport: &syfthttp.Transport{Client: client, Expiry: patience}}
	response, err := follow.Get(base + "/redirect")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if want := `{"hello":["redirected"]}`; err != nil || string(body) != want {
		t.Errorf("redirected to %s: %q, %v, want %q", response.Request.URL, body, err, want)
	}

	var tr transcript
	for _, c := range calls {
		transport := &syfthttp.Transport{Client: client, Expiry: patience}
		ways := []string{"HTTP", "Transport"}
		if c.unanswered {
			transport.Expiry = 5 * time.Second
		}
		responses := []string{c.do(t, http.DefaultTransport, web), c.do(t, transport, base)}
		if !c.unanswered && responses[1] == "no response" {
			t.Fatalf("%s: %s %s: no response", c.what, c.method, c.path)
		}
		if c.gateway {
			ways, responses = append(ways, "gateway"), append(responses, c.throughGateway(t, gateway, base))
		}
		tr.add(c, ways, responses)
	}
	tr.compare(t, "fastsyftbox-app.txt")
}

// webHandler is the app that the clients of FastSyftBox call.
func webHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{
			"method": r.Method, "uri": r.RequestURI, "sender": r.Header.Get(syfthttp.FromHeader),
			"x-a": r.Header.Get("X-A"), "content-type": r.Header.Get("Content-Type"), "body": string(body),
		})
	})
	mux.HandleFunc("/items/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]string{"item": r.PathValue("id")})
	})
	mux.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1", Expires: time.Date(2099, 10, 21, 7, 28, 0, 0, time.UTC)})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.Header().Add("X-Multi", "one")
		w.Header().Add("X-Multi", "two")
		io.WriteString(w, `"headers"`)
	})
	mux.HandleFunc("/gzip", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "\x1f\x8b\b\x00\x00\x00\x00\x00\x02\x03\xcb\xccSHTH\xcb\xccI\x05\x00\xb3\xb2\xa7\xb3\t\x00\x00\x00")
	})
	mux.HandleFunc("/binary", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("\xff\x00\xfe")) })
	mux.HandleFunc("/empty", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/text", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "h\u00e9llo") })
	mux.HandleFunc("/teapot", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "short and stout", 418) })
	mux.HandleFunc("/calm", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "enhance your calm", 420) })
	mux.HandleFunc("/none", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/abort", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	mux.Handle("/redirect", http.RedirectHandler("/echo?redirected", http.StatusTemporaryRedirect))
	return mux
}

// A pyClient is a running client of FastSyftBox.
type pyClient struct {
	stdin  io.Writer
	stdout *bufio.Reader
}

func startClient(t *testing.T, args ...string) *pyClient {
	t.Helper()
	stdin, stdout := startScript(t, nil, append([]string{scripts + "fastsyftbox_client.py"}, args...)...)
	return &pyClient{stdin, stdout}
}

// do makes a call and describes the response. The package gives up after 5 seconds; do tries
// again, because a machine may be slower.
func (p *pyClient) do(t *testing.T, c call) string {
	t.Helper()
	in := map[string]any{"method": c.method, "path": c.path, "headers": c.headers}
	if c.body != "" {
		in["body"] = []byte(c.body)
	}
	line, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; {
		var out struct {
			Error   string
			Status  int
			Headers [][2]string
			Body    string
		}
		_, err := p.stdin.Write(append(line, '\n'))
		if err == nil {
			var result []byte
			if result, err = p.stdout.ReadBytes('\n'); err == nil {
				err = json.Unmarshal(result, &out)
			}
		}
		if err != nil {
			t.Fatalf("FastSyftBox client: %v", err)
		}
		switch {
		case strings.Contains(out.Error, "Timeout") && time.Now().Before(deadline):
			continue
		case out.Error != "":
			return "error: " + out.Error
		}
		headers := http.Header{}
		for _, pair := range out.Headers {
			headers.Add(pair[0], pair[1])
		}
		body, err := base64.StdEncoding.DecodeString(out.Body)
		if err != nil {
			t.Fatal(err)
		}
		return describe(out.Status, headers, body, "")
	}
}

// TestFastSyftBoxClients calls an http.Handler with the clients of FastSyftBox.
func TestFastSyftBoxClients(t *testing.T) {
	needPython(t)
	t.Parallel()
	handler := webHandler()
	web := httptest.NewServer(handler)
	defer web.Close()
	shared := startServer(t, handler)
	sender, gateway := newNetwork(t, func(r *fakebox.Replica) { startSyft(t, "bob@example.com", r.DataDir(), syfthttp.Handler(handler)) })
	ways := []string{"HTTP", "local, in one folder", "local, over SyftBox", "gateway"}
	clients := []*pyClient{
		startClient(t, "http", web.URL, alice, bob, "web"),
		startClient(t, "local", shared.DataDir, alice, bob, "web"),
		startClient(t, "local", sender.DataDir(), alice, bob, "web"),
		startClient(t, "gateway", gateway+"/", alice, bob, "web"),
	}
	calls := []call{
		{what: "GET with a query", method: "GET", path: "/echo?q=1"},
		{what: "JSON", method: "POST", path: "/echo", headers: map[string]string{"Content-Type": "application/json", "X-A": "a"}, body: `{"n":1}`},
		{what: "text", method: "PUT", path: "/echo", headers: map[string]string{"Content-Type": "text/plain"}, body: "text"},
		{what: "body that is not UTF-8", method: "POST", path: "/echo", body: "\xff\xfe"},
		{what: "HEAD", method: "HEAD", path: "/echo"},
		{what: "path parameter", method: "GET", path: "/items/42"},
		{what: "encoded path", method: "GET", path: "/items/a%20b"},
		{what: "unknown path", method: "GET", path: "/unknown"},
		{what: "redirect", method: "GET", path: "/redirect"},
		{what: "several values", method: "GET", path: "/headers"},
		{what: "compressed", method: "GET", path: "/gzip"},
		{what: "binary response", method: "GET", path: "/binary"},
		{what: "text response", method: "GET", path: "/text"},
		{what: "empty response", method: "GET", path: "/empty"},
		{what: "status 418", method: "GET", path: "/teapot"},
		{what: "status 420, which syft-rpc does not know", method: "GET", path: "/calm"},
		{what: "status 204", method: "GET", path: "/none"},
		{what: "redirect, after cookies", method: "GET", path: "/redirect"},
		{what: "OPTIONS", method: "OPTIONS", path: "/echo"},
	}
	var tr transcript
	for _, c := range calls {
		var responses []string
		for _, client := range clients {
			responses = append(responses, client.do(t, c))
		}
		tr.add(c, ways, responses)
	}
	tr.compare(t, "fastsyftbox-clients.txt")
}
