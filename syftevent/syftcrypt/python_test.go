package syftcrypt

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

var pythonFlag = flag.String("python", "", "test with the Python `interpreter` that has the Python package installed")

// A python runs testdata/targets/python/crypto.py.
type python struct {
	t      *testing.T
	dir    string
	server string
}

// newPython skips the test without the flag.
func newPython(t *testing.T) *python {
	if *pythonFlag == "" {
		t.Skip("needs -python: make interop-crypto")
	}
	return &python{t, t.TempDir(), "http://127.0.0.1:1"} // no SyftBox server
}

func (p *python) config(address string) string {
	p.t.Helper()
	data, err := json.Marshal(map[string]string{"email": address, "data_dir": filepath.Join(p.dir, "SyftBox"), "server_url": p.server})
	if err != nil {
		p.t.Fatal(err)
	}
	name := filepath.Join(p.t.TempDir(), "config.json")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		p.t.Fatal(err)
	}
	return name
}

func (p *python) client(address string) *syftevent.Client {
	p.t.Helper()
	c, err := syftevent.LoadClient(p.config(address))
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

func (p *python) command(args ...string) *exec.Cmd {
	p.t.Helper()
	script, err := filepath.Abs("../../testdata/targets/python/crypto.py")
	if err != nil {
		p.t.Fatal(err)
	}
	return exec.Command(*pythonFlag, append([]string{script}, args...)...)
}

func (p *python) run(stdin string, args ...string) string {
	p.t.Helper()
	cmd := p.command(args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", args, err, &stderr)
	}
	return string(out)
}

func (p *python) load(address string) *Keys {
	p.t.Helper()
	k, err := LoadOrCreate(p.client(address))
	if err != nil {
		p.t.Fatal(err)
	}
	return k
}

func TestPythonReadsTheFiles(t *testing.T) {
	p := newPython(t)
	p.load(alice)
	p.run("", "check", p.config(alice))
	b := p.load(bob)
	if err := b.RotatePrekey(); err != nil {
		t.Fatal(err)
	}
	p.run("", "check", p.config(bob))
	for _, text := range []string{"", "h\u00e9llo \u2028", strings.Repeat("x", 1<<20)} {
		if got := p.run(p.run(text, "encrypt", p.config(alice), bob), "decrypt", p.config(bob)); got != text {
			t.Errorf("%q, want %q", got, text)
		}
	}
}

func TestReadsTheFilesOfPython(t *testing.T) {
	p := newPython(t)
	p.run("", "bootstrap", p.config(alice))
	p.run("", "bootstrap", p.config(bob))
	a, b := p.load(alice), p.load(bob)
	for _, text := range []string{"", "h\u00e9llo \u2028", strings.Repeat("x", 1<<20)} {
		m, err := parseMessage([]byte(p.run(text, "encrypt", p.config(alice), bob)))
		if err != nil {
			t.Fatal(err)
		}
		from, err := b.peer(alice, b.current())
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.open(m, b.current(), from)
		if err != nil || string(got.body) != text {
			t.Errorf("%v, want %q", err, text)
		}
		to, err := a.peer(bob, a.current())
		if err != nil {
			t.Fatal(err)
		}
		ours, _, _, err := a.encrypt([]byte(text), a.current(), a.current().prekey, to)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.run(string(ours.encode()), "decrypt", p.config(bob)); got != text {
			t.Errorf("%q, want %q", got, text)
		}
	}
}

// One configuration each, because an interpreter takes a second to start.
func TestPythonHasTheSameDirectories(t *testing.T) {
	p := newPython(t)
	var configs, want []string
	for _, server := range []string{"https://syftbox.net", "HTTPS://SyftBox.NET:443", "http://h:80/", "http://h:8080", "https://h/a", "https://h/a/",
		"http://[::1]:8080", "http://[0:0:0:0:0:0:0:1]", "http://127.0.0.1:1", "https://h.", "https://h-1.x_y.example/a_b~c.d/e", "https://h:0443/", "https://h:08/"} {
		for _, address := range []string{alice, "Bob+tag@Example.ORG", "A.b_c-d@sub.example.com"} {
			p.server = server
			config := p.config(address)
			c, err := syftevent.LoadClient(config)
			if err != nil {
				t.Fatal(err)
			}
			dir, _, err := privateDir(c)
			if err != nil {
				t.Fatal(err)
			}
			configs, want = append(configs, config), append(want, filepath.Join(dir, privateName))
		}
	}
	got := strings.Fields(p.run("", append([]string{"path"}, configs...)...))
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			data, _ := os.ReadFile(configs[i])
			t.Errorf("%s: got %s, want %s", data, got[i], want[i])
		}
	}
}

func TestPythonCallsGuard(t *testing.T) {
	p := newPython(t)
	p.run("", "bootstrap", p.config(bob))
	a := p.load(alice)
	var log bytes.Buffer
	guard := &Guard{Keys: a, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	router := syftevent.NewRouter()
	echo := syftevent.HandlerFunc(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		id, ok := From(ctx)
		if !ok || id.Address != bob || id.Sealed || req.Headers.Get("X-H") != "1" {
			t.Errorf("%+v, %v", id, req.Headers)
		}
		r := syftevent.Text(201, req.Text())
		r.Headers["X-Echo"] = "yes"
		return r, nil
	})
	router.Handle("/echo", guard.Require(echo))
	router.HandleFunc("/fail", func(context.Context, *syftevent.Request) (*syftevent.Response, error) { panic("x") })
	server := &syftevent.Server{AppName: "demo", Client: p.client(alice), Router: router, Logger: slog.New(slog.DiscardHandler)}
	if err := server.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown(context.Background())

	type result struct {
		Status    int
		Encrypted bool
		Text      string
		Headers   map[string]string
	}
	send := func(text string) (r result) {
		t.Helper()
		out := p.run(text, "send", p.config(bob), "syft://"+alice+"/app_data/demo/rpc/echo")
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		return r
	}
	for _, text := range []string{"h\u00e9llo", strings.Repeat("x", 1<<20)} {
		if r := send(text); r.Status != 201 || !r.Encrypted || r.Text != text || r.Headers["X-Echo"] != "yes" {
			t.Errorf("%.500v, log:\n%s", r, &log)
		}
	}
	guard = &Guard{Keys: a, SealedOnly: true, Logger: guard.Logger}
	sealed := syftevent.NewRouter()
	sealed.Handle("/echo", guard.Require(echo))
	server2 := &syftevent.Server{AppName: "sealed", Client: p.client(alice), Router: sealed, Logger: slog.New(slog.DiscardHandler)}
	if err := server2.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer server2.Shutdown(context.Background())
	out := p.run("x", "send", p.config(bob), "syft://"+alice+"/app_data/sealed/rpc/echo")
	if !strings.Contains(out, `"status": 403`) || !strings.Contains(out, "wrong seal") {
		t.Errorf("got %s, log:\n%s", out, &log)
	}
}

func TestCallsPython(t *testing.T) {
	p := newPython(t)
	p.run("", "bootstrap", p.config(alice))
	b := p.load(bob)
	cmd := p.command("serve", p.config(alice), "demo")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		stdin.Close()
		timer := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
		defer timer.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	}()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q, %v", line, err)
	}
	go io.Copy(io.Discard, stdout)

	c := &Client{Client: p.client(bob), Keys: b}
	call := func(endpoint, body string) (*syftevent.Response, error) {
		req, err := syftevent.NewRequest("POST", "syft://"+alice+"/app_data/demo/rpc/"+endpoint, body)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		return c.Call(ctx, req)
	}
	var got struct {
		Text    string
		Headers map[string]string
	}
	for _, text := range []string{"h\u00e9llo", ""} {
		response, err := call("echo", text)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.DecodeJSON(&got); err != nil || got.Text != text || got.Headers["X-Syft-Decrypted"] != "true" ||
			got.Headers["X-Syft-Original-Sender"] != bob || response.Headers.Get("X-Echo") != "yes" {
			t.Errorf("%s, %v", response.Body, err)
		}
	}
	if _, err := call("echo", "\xff"); !errors.Is(err, ErrNotText) {
		t.Errorf("error %v", err)
	}
	// Without encrypt_reply the response is not encrypted.
	var plain *PlaintextError
	if _, err := call("plain", "x"); !errors.As(err, &plain) {
		t.Errorf("error %v", err)
	}
	c.AcceptPlaintext = true
	if response, err := call("plain", "x"); err != nil || !strings.Contains(response.Text(), `"text": "x"`) {
		t.Errorf("%v, %v", response, err)
	}
}
