package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

func TestWatchShowsRequestsAndResponses(t *testing.T) {
	n := newNotes(t)
	n.call(t, "bob@example.com/notes/echo").want(t, "a call before the watch", exitOK, "", "")
	b := start(t, "watch", "-config", n.bob.ConfigPath(), "notes")
	b.stderr.waitFor(t, "watching syft://bob@example.com/app_data/notes/rpc\n")
	// The client never reads the response, so both files stay.
	n.alice.Send(fakebox.Request{Datasite: "bob@example.com", App: "notes", Endpoint: "/block", Body: []byte("seven b")})
	b.stdout.waitFor(t, "-> alice@example.com POST /block 7 B\n")
	if strings.Contains(b.stdout.String(), "<- alice@example.com POST /block") {
		t.Errorf("a response before there is one:\n%s", b.stdout)
	}
	close(n.release)
	b.stdout.waitFor(t, "<- alice@example.com POST /block 200 ")
	if status := b.stop(); status != exitOK {
		t.Errorf("exit %d, %s", status, b.stderr)
	}
	line := regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{3} (->|<-) alice@example\.com \S+ /\S+ (\d+ B|\d{3} [\d.]+ m?s)$`)
	for text := range strings.Lines(b.stdout.String()) {
		if !line.MatchString(strings.TrimSuffix(text, "\n")) {
			t.Errorf("unexpected line %q", text)
		}
	}
}

func TestWatchPrintsJSON(t *testing.T) {
	n := newNetwork(t)
	if err := os.MkdirAll(filepath.Join(n.bob.Datasite(), "app_data", "notes", "rpc"), 0o755); err != nil {
		t.Fatal(err)
	}
	b := start(t, "watch", "-config", n.bob.ConfigPath(), "-json", "notes")
	dir := "app_data/notes/rpc/a/b/alice@example.com/"
	deliver := func(name, content string) { n.bob.Deliver(dir+name, []byte(content), fakebox.Delivery{}) }
	deliver("1.request", `{"method": "PUT", "body": "YWJjZA=="}`)
	b.stdout.waitFor(t, `"event":"request"`)
	deliver("1.response", `{"status_code": 404, "created": "2020-01-01T00:00:00Z"}`)
	b.stdout.waitFor(t, `"event":"response"`)
	deliver("2.request", `{}`)
	b.stdout.waitFor(t, `"id":"2"`)
	if err := os.Remove(filepath.Join(n.bob.Datasite(), filepath.FromSlash(dir), "2.request")); err != nil {
		t.Fatal(err)
	}
	b.stdout.waitFor(t, `"event":"gone"`)
	b.stop()
	decoder := json.NewDecoder(strings.NewReader(b.stdout.String()))
	for _, want := range []string{
		"request 1 alice@example.com PUT /a/b 4", "response 1 alice@example.com PUT /a/b 404",
		"request 2 alice@example.com GET /a/b 0", "gone 2 alice@example.com GET /a/b",
	} {
		var e event
		if err := decoder.Decode(&e); err != nil {
			t.Fatal(err)
		}
		got := strings.Join([]string{e.Event, e.ID, e.Sender, e.Method, e.Endpoint}, " ")
		if e.Size != nil {
			got += fmt.Sprint(" ", *e.Size)
		}
		if e.Status != nil {
			got += fmt.Sprint(" ", *e.Status)
		}
		if got != want || e.Time.IsZero() || e.Event == "response" && (e.Duration == nil || *e.Duration < 0) {
			t.Errorf("got %s, %+v, want %s", got, e, want)
		}
	}
}

// scanSite scans as if it were later, and returns the lines without their times.
func scanSite(w *watcher, lines *[]string, at time.Duration) []string {
	*lines = nil
	w.scan(time.Now().Add(at))
	return *lines
}

func newSiteWatcher(t *testing.T, s *site) (*watcher, *[]string) {
	t.Helper()
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	lines := &[]string{}
	return newWatcher(&datasites{root}, rpcPath("alice@example.com", "notes"), func(e event) {
		e.Duration = nil
		_, line, _ := strings.Cut(e.String(), " ")
		*lines = append(*lines, line)
	}), lines
}

func TestWatchIgnoresMarkersAndWaitsForWholeFiles(t *testing.T) {
	s := newSite(t)
	const app, dir = "alice@example.com/notes", "x/bob@example.com/"
	s.write(t, app, dir+"old.request", `{}`)
	s.write(t, app, dir+"old.response", `{}`)
	s.write(t, app, dir+"pending.request", `{"method": "POST"}`)
	for _, name := range []string{".hidden.request", "a.rejected.request", "a.conflict.request", "a.syftrejected.request", "a.txt"} {
		s.write(t, app, dir+name, `{}`)
	}
	s.write(t, app, dir+"folder.request/.syftkeep", "")
	w, lines := newSiteWatcher(t, s)
	check := func(what string, at time.Duration, want ...string) {
		t.Helper()
		if got := scanSite(w, lines, at); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	check("first scan", 0, "-> bob@example.com POST /x 0 B")
	check("second scan", 0)
	s.write(t, app, dir+"part.request", `{"method": "PU`)
	check("incomplete", 0)
	s.write(t, app, dir+"part.request", `{"method": "PUT"}`)
	check("complete", 0, "-> bob@example.com PUT /x 0 B")
	s.write(t, app, dir+"part.response", `{"status_code": 2`)
	check("incomplete response", 0)
	s.write(t, app, dir+"part.response", `{"status_code": 201}`)
	check("complete response", 0, "<- bob@example.com PUT /x 201")
	s.write(t, app, dir+"bad.request", `nonsense`)
	check("nonsense", 0)
	check("nonsense that stays", settle*2, "-> bob@example.com ? /x 0 B")
	s.write(t, app, dir+"bad.response", ``)
	check("empty response", settle*2)
	check("empty response that stays", settle*4, "<- bob@example.com ? /x malformed")
	s.write(t, app, "y/legacy.request", `{}`)
	s.write(t, app, "y/legacy.response", `{}`)
	check("legacy layout", settle*4, "-> - GET /y 0 B", "<- - GET /y 200")
	if err := os.RemoveAll(s.path(app, "")); err != nil {
		t.Fatal(err)
	}
	check("removed folder", settle*4, "<- bob@example.com POST /x gone")
	if len(w.pending) != 0 || len(w.answered) != 0 {
		t.Errorf("remembers %d pending and %d answered requests that are gone", len(w.pending), len(w.answered))
	}
}

func TestWatchEscapesSenders(t *testing.T) {
	s := newSite(t)
	const app = "alice@example.com/notes"
	s.write(t, app, "\u202ex\u009b/bob@example.com/1.request", `{"method": "\u001b[2J\nPOST"}`)
	w, lines := newSiteWatcher(t, s)
	got := scanSite(w, lines, 0)
	if want := `-> bob@example.com \x1b[2J\x0aPOST /\u202ex\u009b 0 B`; len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWatchWritesNothing(t *testing.T) {
	s := newSite(t)
	s.write(t, "alice@example.com/notes", "x/bob@example.com/1.request", `{}`)
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "2.request"), []byte(`{}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, s.path("alice@example.com/notes", "linked")); err != nil {
		t.Skipf("no symbolic links: %v", err)
	}
	dir := s.path("alice@example.com/notes", "x/bob@example.com")
	before, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	w, lines := newSiteWatcher(t, s)
	if got := scanSite(w, lines, 0); len(got) != 1 {
		t.Errorf("got %q, want the request that is no link", got)
	}
	after, err := os.Stat(dir)
	if err != nil || !after.ModTime().Equal(before.ModTime()) || len(filesBelow(t, s.dir, "")) != len(filesBelow(t, s.dir, "linked", "request", "notes", "rpc", "x", "bob@example.com", "app_data", "alice@example.com", "datasites")) {
		t.Errorf("the folder changed: %v", filesBelow(t, s.dir, ""))
	}
}

func TestWatchLimitsMemory(t *testing.T) {
	s := newSite(t)
	s.write(t, "alice@example.com/notes", "x/bob@example.com/1.request", `{}`)
	w, lines := newSiteWatcher(t, s)
	for i := range maxPending {
		w.pending[fmt.Sprint("other/", i)] = &pendingRequest{}
	}
	if got := scanSite(w, lines, 0); len(got) != 0 || !w.overflow || len(w.pending) != 0 {
		t.Errorf("got %q, overflow %v, %d pending", got, w.overflow, len(w.pending))
	}
	if got := scanSite(w, lines, 0); len(got) != 1 {
		t.Errorf("after the others were gone: got %q, want the request", got)
	}
}

func TestWatchErrors(t *testing.T) {
	s := newSite(t)
	s.write(t, "alice@example.com/notes", schemaName, "{}")
	for _, test := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, exitUsage, "missing APP"},
		{[]string{"a", "b"}, exitUsage, "want one APP"},
		{[]string{"../x"}, exitUsage, "must be the name of an app"},
		{[]string{"note"}, exitFailed, "did you mean notes?"},
		{[]string{"calendar"}, exitFailed, "'syftevent ls alice@example.com' lists yours"},
		{[]string{"x", "-config", "/no/such/file"}, exitConfig, "/no/such/file"},
	} {
		run(t, append([]string{"watch", "-config", s.config}, test.args...)...).want(t, fmt.Sprint(test.args), test.status, "", test.want)
	}
}
