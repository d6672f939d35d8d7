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

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"github.com/syftevent/syftevent-go/fakebox"
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
	contains(t, "the output", <-rest, "hub send via fast gateway", "bob@example.com/box arrive via fast", "stopped; files kept in")
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
