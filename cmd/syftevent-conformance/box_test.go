package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/terminal"
	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/fakebox/boxpage"
)

// The reference answers a call over HTTP in a network that "box" runs.
func TestBoxServesHTTP(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dir := filepath.Join(t.TempDir(), "box")
	out, in := io.Pipe()
	status := make(chan int, 1)
	go func() {
		status <- command(ctx, []string{"box", "-speed", "20", dir, "bob@example.com", "alice@example.com"}, strings.NewReader(""), in, in)
		in.Close()
	}()
	var gateway string
	lines := bufio.NewScanner(out)
	for gateway == "" && lines.Scan() {
		if found := regexp.MustCompile(`'(http://\S+)'`).FindStringSubmatch(lines.Text()); found != nil {
			gateway = found[1]
		}
	}
	rest := make(chan string, 1)
	go func() {
		data, _ := io.ReadAll(out)
		rest <- string(data)
	}()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process, err := target.Start(ctx, target.Command{Args: []string{self, "serve"}, ReadyTimeout: time.Minute}, target.Settings{
		ConfigPath: filepath.Join(dir, "bob@example.com", "config.json"), App: "echo", RecordPath: filepath.Join(dir, "record"), LogDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer process.Kill()
	// SyftBox rejects requests until the permissions have reached its server.
	var body []byte
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Post(strings.Replace(gateway, "/rpc/hello", "/rpc/echo", 1), "text/plain", strings.NewReader("hello there"))
		if err != nil {
			t.Fatal(err)
		}
		body, _ = io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode == 200 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("status %d: %s", resp.StatusCode, body)
		}
	}
	contains(t, "the answer", string(body), `"status_code":200`, `"body":"hello there"`)
	cancel()
	if got := <-status; got != exitOK {
		t.Errorf("exit %d", got)
	}
	contains(t, "the output", <-rest, "sent request", "via fast (gateway)  echo/echo at bob@example.com\n", "bob box    received request", "stopped; files kept in")
}

func TestBoxPrintsJSON(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dir := filepath.Join(t.TempDir(), "box")
	out, in := io.Pipe()
	go func() {
		command(ctx, []string{"box", "-json", "-speed", "20", dir, "bob@example.com"}, strings.NewReader(""), in, in)
		in.Close()
	}()
	note := filepath.Join(dir, "bob@example.com", "SyftBox", "datasites", "bob@example.com", "note.txt")
	for os.WriteFile(note, []byte("x"), 0o644) != nil {
		time.Sleep(time.Millisecond)
	}
	var event fakebox.Event
	if err := json.NewDecoder(out).Decode(&event); err != nil || event.Op != fakebox.OpUpload || event.Path != "bob@example.com/note.txt" {
		t.Errorf("%+v, %v", event, err)
	}
	go io.Copy(io.Discard, out)
	cancel()
}

func TestBoxServesPage(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	status := make(chan int, 1)
	go func() {
		status <- command(ctx, []string{"box", filepath.Join(t.TempDir(), "box"), "bob@example.com"}, strings.NewReader(""), in, in)
		in.Close()
	}()
	page := ""
	lines := bufio.NewScanner(out)
	for page == "" && lines.Scan() {
		page = regexp.MustCompile(`^  (http://127\.0\.0\.1:\d+/[A-Z2-7]+/)$`).FindString(lines.Text())
	}
	go io.Copy(io.Discard, out)
	resp, err := http.Get(strings.TrimSpace(page))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %d", resp.StatusCode)
	}
	cancel()
	if got := <-status; got != exitOK {
		t.Errorf("exit %d", got)
	}
}

func TestBoxLines(t *testing.T) {
	const request = "bob@example.com/app_data/echo/rpc/hello/alice@example.com/1.request"
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	events := []fakebox.Event{
		{Actor: "alice@example.com/app", Op: fakebox.OpWrite, Path: request, Size: 120},
		{Actor: "alice@example.com/box", Op: fakebox.OpSend, Path: request, Size: 120, Via: fakebox.ViaFast},
		{Actor: "hub", Op: fakebox.OpLose, Path: request, Fault: fakebox.BurstLoss},
		{Actor: "alice@other.example/box", Op: fakebox.OpOffline},
		{Actor: "bob@example.com/box", Op: fakebox.OpUpload, Path: "bob@example.com/a\nb", Size: 1, Via: fakebox.ViaFullSync},
		{Actor: "bob@example.com/app", Op: fakebox.OpWrite, Path: strings.Replace(request, "1.request", "2.response", 1)},
		{Actor: "alice@example.com/box", Op: fakebox.OpError, Path: request, Note: "bad\x1bname"},
	}
	var out strings.Builder
	numbers := &boxpage.Numbering{}
	numbers.Of(request) // by the page, which has sent it
	l := newBoxLines(&out, terminal.Screen{}, numbers, []string{"bob@example.com", "alice@example.com", "alice@other.example"})
	for _, e := range events {
		e.Time = at
		l.print(e)
	}
	want := `
03:04:05.006    #1  alice@example.com app    wrote request 120 B  echo/hello at bob@example.com
03:04:05.006    #1  alice@example.com box    sent request 120 B via fast
03:04:05.006    #1  hub                      lost request [burst-loss]
03:04:05.006        alice@other.example box  offline
03:04:05.006        bob box                  uploaded "bob@example.com/a\nb" 1 B via full-sync

03:04:05.006    #2  bob app                  wrote response  echo/hello at bob@example.com
03:04:05.006    #1  alice@example.com box    error "bob@example.com/app_data/echo/rpc/hello/alice@example.com/1.request" (bad?name)
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	out.Reset()
	l.screen.Color = true
	l.print(events[2])
	if got := out.String(); !strings.HasPrefix(got, "\x1b[31m") {
		t.Errorf("a loss is not red: %q", got)
	}
}

func TestBoxUsageErrors(t *testing.T) {
	occupied := t.TempDir()
	if err := os.WriteFile(filepath.Join(occupied, "thesis.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		want string
		args []string
	}{
		{"needs DIR and at least one EMAIL", []string{"box", "dir"}},
		{"not empty and not a fakebox network", []string{"box", occupied, "bob@example.com"}},
		{"not an e-mail address", []string{"box", t.TempDir(), "bob"}},
		{"want one of burst-loss, dead-zone", []string{"box", "-fail", "flood", t.TempDir(), "bob@example.com"}},
		{"invalid number of files", []string{"box", "-fail", "torn=many", t.TempDir(), "bob@example.com"}},
		{"want one of websocket, blobstore", []string{"box", "-download", "pigeon", t.TempDir(), "bob@example.com"}},
		{"fault rate 2", []string{"box", "-faults", "2", t.TempDir(), "bob@example.com"}},
		{"not a loopback address", []string{"box", "-page", "0.0.0.0:0", t.TempDir(), "bob@example.com"}},
		{"start gateway", []string{"box", "-listen", "nowhere:x", t.TempDir(), "bob@example.com"}},
	} {
		status, _, stderr := judge(t, test.args...)
		if status != exitUsage || !strings.Contains(stderr, test.want) {
			t.Errorf("%q: exit %d, %q; want %d, %q", test.args, status, stderr, exitUsage, test.want)
		}
	}
}

func TestHelpListsFaultsWithRequirements(t *testing.T) {
	_, help, _ := judge(t, "help", "box")
	for _, info := range fakebox.Faults() {
		if _, ok := spec.Find(info.Requirement); !ok {
			t.Errorf("fault %s names the requirement %q, which SPEC.md does not have", info.Fault, info.Requirement)
		}
		contains(t, "help", help, string(info.Fault)+" ")
	}
}

func TestPageNamesRequirementsThatExist(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(top, "fakebox", "boxpage", "diagnose.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`Requirement(?::| =) "([^"]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(found) < 10 {
		t.Errorf("%d requirements", len(found))
	}
	for _, match := range found {
		if _, ok := spec.Find(match[1]); !ok {
			t.Errorf("SPEC.md has no requirement %s", match[1])
		}
	}
}
