package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCallPrintsResponse(t *testing.T) {
	n := newNotes(t)
	dir := t.TempDir()
	binary := make([]byte, 256)
	for i := range binary {
		binary[i] = byte(i)
	}
	file := filepath.Join(dir, "body")
	if err := os.WriteFile(file, binary, 0o600); err != nil {
		t.Fatal(err)
	}
	const seen = "X-Seen: "
	for _, test := range []struct {
		args []string
		body string
		seen string // what the handler saw, with -i
	}{
		{[]string{"bob@example.com/notes/echo"}, "", "GET   "},
		{[]string{"bob@example.com/notes/echo/?q=1&r=a%20b", "-X", "DELETE"}, "", "DELETE   q=1&r=a%20b"},
		{[]string{"syft://bob@example.com/app_data/notes/rpc/echo", "-XPUT", "-d", "x\n"}, "x\n", "PUT text/plain  "},
		{[]string{"-d", `{"a": 1}`, "bob@example.com/app_data/notes/rpc/echo"}, `{"a": 1}`, "POST application/json  "},
		{[]string{"-d", `{"a": 1}`, "-H", "content-type: text/x", "-H", "X-Test: 1", "-H", "X-Test:2", "bob@example.com/notes/echo"}, `{"a": 1}`, "POST text/x 1, 2 "},
		{[]string{"-d", "", "bob@example.com/notes/echo", "-H", "X-Test;"}, "", "POST   "},
		{[]string{"-d", "x", "bob@example.com/notes/echo", "-H", "Content-Type:"}, "x", "POST   "},
		{[]string{"-d", "@" + file, "--", "bob@example.com/notes/echo"}, string(binary), "POST text/plain  "},
		{[]string{"-d", "@-", "bob@example.com/notes/echo"}, "from a pipe", "POST text/plain  "},
	} {
		what := fmt.Sprintf("%q", test.args)
		n.callWith(t, "from a pipe", test.args...).want(t, what, exitOK, test.body, "")
		head, body, _ := strings.Cut(n.callWith(t, "from a pipe", append([]string{"-i"}, test.args...)...).stdout, "\r\n\r\n")
		if body != test.body || !strings.HasPrefix(head, "HTTP/1.1 200 OK\r\n") {
			t.Errorf("%s -i: got %q and body %q", what, head, body)
		}
		_, after, _ := strings.Cut(head+"\r\n", seen)
		if got, _, _ := strings.Cut(after, "\r\n"); strings.TrimRight(got, " ") != strings.TrimRight(test.seen, " ") {
			t.Errorf("%s: the handler saw %q, want %q", what, got, test.seen)
		}
	}
}

func TestCallExitStatuses(t *testing.T) {
	n := newNotes(t)
	for _, test := range []struct {
		args           []string
		status         int
		stdout, stderr string
	}{
		{[]string{"bob@example.com/notes/status/404"}, exitOK, "\x1b[2Jno Not Found", ""},
		{[]string{"bob@example.com/notes/status/200", "-f"}, exitOK, "\x1b[2Jno OK", ""},
		{[]string{"bob@example.com/notes/move/echo"}, exitOK, "moved", ""},
		{[]string{"-L", "bob@example.com/notes/move/echo"}, exitOK, "", ""},
		{[]string{"-L", "bob@example.com/notes/move/round"}, exitRedirects, "", "gave up after 50 redirects"},
		{[]string{"-L", "bob@example.com/notes/move/web"}, exitFailed, "", "redirect to https://example.org/x leads out of SyftBox"},
		{[]string{"bob@example.com/no-such-app/x"}, exitRejected, "", "syftevent: call: SyftBox rejected the request: permission denied"},
		{[]string{"bob@example.com/notes/block", "-timeout", "300ms"}, exitTimeout, "", "no response from bob@example.com within 300ms"},
		{[]string{"bob@example.com/notes/echo", "-d", "@/no/such/file"}, exitRead, "", "/no/such/file"},
		{[]string{"bob@example.com/notes/echo", "-o", "/no/such/folder/file"}, exitWrite, "", "/no/such/folder/file"},
		{[]string{"bob@example.com/notes/echo", "-o", t.TempDir()}, exitWrite, "", "is a folder"},
		{[]string{"-config", "/no/such/file", "bob@example.com/notes/echo"}, exitConfig, "", "/no/such/file"},
		{[]string{"bob@example.com/notes/echo", "-H", "X-Bad: a\x00b"}, exitFailed, "", "invalid value of header X-Bad"},
	} {
		n.call(t, test.args...).want(t, fmt.Sprintf("%q", test.args), test.status, test.stdout, test.stderr)
	}
	if left := filesBelow(t, filepath.Join(n.alice.Datasites(), "bob@example.com", "app_data", "notes", "rpc", "block"), ".request", ".response"); len(left) > 0 {
		t.Errorf("left behind after a timeout: %q", left)
	}
}

func TestCallUsageErrors(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"a@example.com/x", "b@example.com/x"},
		{"bob@example.com"},
		{"bob@example.com/"},
		{"bob/notes/list"},
		{"/notes/list"},
		{"https://example.com/x"},
		{"syft://bob@example.com/public/x"},
		{"bob@example.com/../x"},
		{"bob@example.com/notes/../x"},
		{"bob@example.com/notes/x?a b"},
		{"bob@example.com/notes/%zz"},
		{"bob@example.com/notes/\x1b[2J"},
		{"bob@example.com/notes/x", "-X", "BREW"},
		{"bob@example.com/notes/x", "-X", "get"},
		{"bob@example.com/notes/x", "-timeout", "0"},
		{"bob@example.com/notes/x", "-timeout", "30"},
		{"bob@example.com/notes/x", "-H", "no colon"},
		{"bob@example.com/notes/x", "-H", ": x"},
		{"bob@example.com/notes/x", "-d", "x", "-d", "y"},
		{"bob@example.com/notes/x", "-no-such-flag"},
	} {
		r := run(t, append([]string{"call"}, args...)...)
		r.want(t, fmt.Sprintf("%q", args), exitUsage, "", "see 'syftevent help call'")
		if strings.Contains(r.stderr, "\x1b") {
			t.Errorf("%q: control character in %q", args, r.stderr)
		}
	}
}

func TestCallFailPrintsBodyOnStandardError(t *testing.T) {
	n := newNotes(t)
	file := filepath.Join(t.TempDir(), "out")
	r := n.call(t, "-f", "-o", file, "bob@example.com/notes/status/404")
	if want := "\x1b[2Jno Not Found\nsyftevent: call: bob@example.com responded with status 404 Not Found\n"; r.status != exitStatus || r.stdout != "" || r.stderr != want {
		t.Errorf("exit %d, %q, %q, want %d and %q", r.status, r.stdout, r.stderr, exitStatus, want)
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	stderr := &transcript{terminal: true}
	status := command(t.Context(), []string{"call", "-config", n.alice.ConfigPath(), "-i", "-f", "bob@example.com/notes/status/500"}, stdio{strings.NewReader(""), io.Discard, stderr})
	if strings.Contains(stderr.String(), "\x1b") || status != exitStatus {
		t.Errorf("exit %d, control character on a terminal: %q", status, stderr)
	}
	contains(t, "standard error", stderr.String(), "HTTP/1.1 500 Internal Server Error\n", `\x1b[2Jno Internal Server Error`)
}

func TestCallWritesFileWhenComplete(t *testing.T) {
	n := newNotes(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "out")
	for _, body := range []string{"first", "second"} {
		n.call(t, "bob@example.com/notes/echo", "-d", body, "-o", file).want(t, body, exitOK, "", "")
		if data, err := os.ReadFile(file); string(data) != body {
			t.Errorf("%q, %v, want %q", data, err, body)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("files %v, %v, want one", left, err)
	}
	n.call(t, "bob@example.com/notes/echo", "-d", "x", "-o", "-").want(t, "-o -", exitOK, "x", "")
	n.call(t, "bob@example.com/notes/echo", "-d", "x", "-o", os.DevNull).want(t, "-o /dev/null", exitOK, "", "")
}

func TestCallShowsProgressOnTerminal(t *testing.T) {
	n := newNotes(t)
	stderr := &transcript{terminal: true}
	var stdout bytes.Buffer
	status := make(chan int, 1)
	go func() {
		status <- command(t.Context(), []string{"call", "-config", n.alice.ConfigPath(), "-timeout", "2m", "bob@example.com/notes/block"}, stdio{strings.NewReader(""), &stdout, stderr})
	}()
	stderr.waitFor(t, "waiting for bob@example.com, ")
	close(n.release)
	if got := <-status; got != exitOK || stdout.String() != "released" {
		t.Errorf("exit %d, %q", got, stdout.String())
	}
	if text := stderr.String(); !strings.HasSuffix(text, " \r") || strings.Contains(text, "\n") {
		t.Errorf("the line was not erased: %q", text)
	}
}

func TestProgressLine(t *testing.T) {
	for resent, want := range []string{"waiting for bob@example.com, 3 s", "waiting for bob@example.com, 3 s, resent once", "waiting for bob@example.com, 3 s, resent 2 times"} {
		if got := waitingLine("bob@example.com", 3900*time.Millisecond, resent); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	out := &transcript{}
	p := &progress{out: out}
	p.show("")
	p.show(strings.Repeat("x", 100))
	p.show("short")
	p.show("")
	want := "\r" + strings.Repeat("x", 79) + "\rshort" + strings.Repeat(" ", 74) + "\r     \r"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out, want)
	}
}

func TestCallEndsWhileReadingInput(t *testing.T) {
	n := newNetwork(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	defer w.Close()
	status := make(chan int, 1)
	go func() {
		status <- command(ctx, []string{"call", "-config", n.alice.ConfigPath(), "-d", "@-", "bob@example.com/notes/echo"}, stdio{r, io.Discard, io.Discard})
	}()
	io.WriteString(w, "begin") // returns when the command reads
	cancel()
	if got := <-status; got != exitInterrupted {
		t.Errorf("exit %d, want %d", got, exitInterrupted)
	}
}

func TestCallRefusesLargeBody(t *testing.T) {
	n := newNetwork(t)
	n.callWith(t, strings.Repeat("x", 11<<20+1), "-d", "@-", "bob@example.com/notes/echo").
		want(t, "11 MiB and a byte", exitRead, "", "body exceeds the limit of 11 MiB")
}
