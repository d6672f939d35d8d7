package reference

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/syftevent"
)

// A program is a running Caller or Target, whose user shares a data directory with the others'.
type program struct {
	t     *testing.T
	stdin *io.PipeWriter
	lines *bufio.Scanner
	ended chan error
	stop  context.CancelFunc
}

func start(t *testing.T, dataDir, email, options string, run func(ctx context.Context, getenv func(string) string, in io.Reader, out io.Writer) error) *program {
	t.Helper()
	config, err := json.Marshal(map[string]string{"email": email, "data_dir": dataDir})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{syftevent.ConfigPathVariable: path, "SYFTEVENT_APP": "demo", "SYFTEVENT_OPTIONS": options}
	ctx, stop := context.WithCancel(t.Context())
	in, stdin := io.Pipe()
	stdout, out := io.Pipe()
	p := &program{t, stdin, bufio.NewScanner(stdout), make(chan error, 1), stop}
	go func() {
		err := run(ctx, func(name string) string { return environment[name] }, in, out)
		out.Close()
		p.ended <- err
	}()
	t.Cleanup(func() {
		stop()
		stdin.Close()
		stdout.Close() // a result is not read
		in.Close()
	})
	return p
}

func startClient(t *testing.T, dataDir, options string) *program {
	return start(t, dataDir, "alice@example.com", options, func(ctx context.Context, getenv func(string) string, in io.Reader, out io.Writer) error {
		return Caller{Version: "1.2.3", Getenv: getenv, Stdin: in, Stdout: out}.Run(ctx)
	})
}

func startServer(t *testing.T, dataDir string) {
	server := start(t, dataDir, "bob@example.com", `{"poll_interval":"5ms"}`, func(ctx context.Context, getenv func(string) string, in io.Reader, out io.Writer) error {
		return Target{Getenv: getenv, Stdin: in, Stdout: out, Stderr: io.Discard}.Serve(ctx)
	})
	server.line()
	t.Cleanup(func() {
		server.stop()
		if err := <-server.ended; err != nil {
			t.Error(err)
		}
	})
}

// line returns the next line of standard output.
func (p *program) line() map[string]any {
	p.t.Helper()
	var line map[string]any
	if !p.lines.Scan() {
		p.t.Fatalf("no line: %v", <-p.ended)
	}
	if err := json.Unmarshal(p.lines.Bytes(), &line); err != nil {
		p.t.Fatal(err)
	}
	return line
}

func (p *program) send(format string, args ...any) {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.stdin, format+"\n", args...); err != nil {
		p.t.Fatal(err)
	}
}

// end ends standard input and returns the error of the program.
func (p *program) end() error {
	p.stdin.Close()
	return <-p.ended
}

// result returns the next result without its additional members, whose types it checks.
func (p *program) result() map[string]any {
	p.t.Helper()
	line := p.line()
	for _, name := range []string{"took_ms", "resent"} {
		if _, ok := line[name].(float64); !ok {
			p.t.Errorf("%s: %v", name, line)
		}
		delete(line, name)
	}
	return line
}

func TestClientPrintsReadyLine(t *testing.T) {
	for options, limit := range map[string]any{
		"": float64(syftevent.DefaultMaxResponseSize),
		`{"max_response_size":1000,"settle":"1s","poll_interval":"5ms","unknown":[]}`: 1000.0,
		`{"max_response_size":-1}`: nil,
	} {
		client := startClient(t, t.TempDir(), options)
		want := map[string]any{
			"ready": true, "role": "client", "implementation": "syftevent-go", "version": "1.2.3", "features": []any{"cached"},
			"poll_ms": 250.0, "settle_ms": 2000.0, "resend_ms": 1000.0,
		}
		if limit != nil {
			want["max_response_size"] = limit
		}
		if diff := cmp.Diff(want, client.line()); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", options, diff)
		}
		if err := client.end(); err != nil {
			t.Error(err)
		}
	}
}

func TestClientPrintsResponses(t *testing.T) {
	data := t.TempDir()
	startServer(t, data)
	client := startClient(t, data, "")
	client.line()
	for _, test := range []struct {
		endpoint, headers, body string
		want                    map[string]any
	}{
		{"echo", `{"h":"1"}`, `"eyJhIjoxfQ=="`, map[string]any{"status": 200.0, "headers": map[string]any{"x-echo-h": "1"}, "body_base64": "eyJhIjoxfQ=="}},
		{"echo", `{}`, `""`, map[string]any{"status": 200.0, "headers": map[string]any{}, "body_base64": ""}},
		{"empty", `{}`, `null`, map[string]any{"status": 200.0, "headers": map[string]any{}, "body_base64": nil}},
	} {
		client.send(`{"call":7,"method":"POST","url":"syft://bob@example.com/app_data/demo/rpc/%s","headers":%s,"body_base64":%s,"expires_in":60}`, test.endpoint, test.headers, test.body)
		test.want["call"] = 7.0
		if diff := cmp.Diff(test.want, client.result()); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", test.endpoint, diff)
		}
	}
	if err := client.end(); err != nil {
		t.Error(err)
	}
}

// The second of two identical cached calls needs no request, and no server.
func TestClientMakesCachedCalls(t *testing.T) {
	data := t.TempDir()
	client := startClient(t, data, "")
	client.line()
	call := func() {
		client.send(`{"call":1,"method":"POST","url":"syft://bob@example.com/app_data/demo/rpc/echo","headers":{},"body_base64":null,"expires_in":600,"options":{"cached":true}}`)
	}
	call()
	path := request(t, data, "demo")
	if err := os.WriteFile(path+".response", []byte(`{"sender":"bob@example.com","url":"syft://bob@example.com/app_data/demo/rpc/echo","body":"aGk=","headers":{},"status_code":200}`), 0o600); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"call": 1.0, "status": 200.0, "headers": map[string]any{}, "body_base64": "aGk="}
	for i := range 2 {
		if diff := cmp.Diff(want, client.result()); diff != "" {
			t.Errorf("result %d: (-want +got):\n%s", i+1, diff)
		}
		if i == 0 {
			call()
		}
	}
	if again := request(t, data, "demo"); again != path {
		t.Errorf("request %s, want %s", again, path)
	}
	if err := client.end(); err != nil {
		t.Error(err)
	}
}

// request waits for the request of a call and returns its path without the suffix.
func request(t *testing.T, dataDir, app string) string {
	t.Helper()
	for range 6000 {
		found, err := filepath.Glob(filepath.Join(dataDir, "datasites/bob@example.com/app_data", app, "rpc/echo/alice@example.com/*.request"))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 1 {
			return strings.TrimSuffix(found[0], ".request")
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("no request")
	return ""
}

func TestClientPrintsErrors(t *testing.T) {
	data := t.TempDir()
	client := startClient(t, data, `{"max_response_size":1000}`)
	client.line()
	const url = "syft://bob@example.com/app_data/demo/rpc/echo"
	call := func(method, url string, expiresIn float64) {
		client.send(`{"call":1,"method":%q,"url":%q,"headers":{},"body_base64":null,"expires_in":%v}`, method, url, expiresIn)
	}
	fails := func(code string) {
		t.Helper()
		line := client.result()
		detail, _ := line["detail"].(string)
		if delete(line, "detail"); detail == "" {
			t.Errorf("%s: no detail", code)
		}
		if diff := cmp.Diff(map[string]any{"call": 1.0, "error": code}, line); diff != "" {
			t.Errorf("(-want +got):\n%s\n%s", diff, detail)
		}
	}
	call("POST", "http://bob@example.com/", 60)
	fails("invalid")
	call("POST", "syft://bob@example.com/public/file", 60)
	fails("invalid")
	call("POST", "syft://bob@example.com/app_data/demo/rpc/../echo", 60)
	fails("invalid")
	call("FAIL", url, 60)
	fails("invalid")
	call("POST", url, -1)
	fails("invalid")
	call("POST", url, 1e300)
	fails("invalid")
	call("POST", url, 0.1)
	fails("expired")
	call("POST", url, 60)
	path := request(t, data, "demo")
	if err := os.Rename(path+".request", path+".rejected.request"); err != nil {
		t.Fatal(err)
	}
	fails("rejected")
	call("POST", url, 60)
	if err := os.WriteFile(request(t, data, "demo")+".response", make([]byte, 1001), 0o600); err != nil {
		t.Fatal(err)
	}
	fails("bad-response")
	// A file in the way of a folder.
	if err := os.WriteFile(filepath.Join(data, "datasites", "carol@example.com"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	call("POST", "syft://carol@example.com/app_data/demo/rpc/echo", 60)
	fails("other")
	if err := client.end(); err != nil {
		t.Error(err)
	}
}

func TestErrorCodes(t *testing.T) {
	for err, want := range map[error]string{
		syftevent.ErrRejected: "rejected", syftevent.ErrExpired: "expired", syftevent.ErrNotFound: "not-found",
		syftevent.ErrBadResponse: "bad-response", syftevent.ErrCanceled: "other", context.Canceled: "other",
	} {
		if got := errorCode(fmt.Errorf("wrapped: %w", err)); got != want {
			t.Errorf("%v: code %q, want %q", err, got, want)
		}
	}
}

func TestClientEndsAtMalformedCall(t *testing.T) {
	for _, line := range []string{"{", `{"url":"syft://bob@example.com/"}`, `{"call":"one"}`, `{"call":1,"body_base64":"?"}`} {
		client := startClient(t, t.TempDir(), "")
		client.line()
		client.send("%s", line)
		if err := <-client.ended; err == nil || !strings.Contains(err.Error(), "parse call") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// The cancellation of a pending call removes its request and prints a result.
func TestClientEndsWithItsContext(t *testing.T) {
	data := t.TempDir()
	client := startClient(t, data, "")
	client.line()
	client.send(`{"call":1,"method":"POST","url":"syft://bob@example.com/app_data/demo/rpc/echo","headers":{},"body_base64":null,"expires_in":600}`)
	path := request(t, data, "demo")
	client.stop()
	if line := client.result(); line["error"] != "other" {
		t.Errorf("result %v", line)
	}
	if err := <-client.ended; err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path + ".request"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the request is left: %v", err)
	}
}

func TestClientRefusesMalformedEnvironment(t *testing.T) {
	for _, options := range []string{"[", `{"max_response_size":"many"}`} {
		client := startClient(t, t.TempDir(), options)
		if err := <-client.ended; err == nil || !strings.Contains(err.Error(), "SYFTEVENT_OPTIONS") {
			t.Errorf("%s: %v", options, err)
		}
	}
}
