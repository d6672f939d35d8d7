package mutantclient

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
)

const (
	own      = "client@example.com"
	server   = "server@example.com"
	echoURL  = "syft://server@example.com/app_data/conformance/rpc/echo"
	deadline = time.Minute // of everything that happens soon
)

// A run is a running client.
type run struct {
	t       *testing.T
	data    string // the data directory
	ready   map[string]any
	stdin   *io.PipeWriter
	cancel  context.CancelFunc
	results chan map[string]any
	ended   chan error
}

// environment returns the environment of a client with a data directory.
func environment(t *testing.T, data, options string) func(string) string {
	config := filepath.Join(t.TempDir(), "config.json")
	write(t, config, fmt.Sprintf(`{"email":%q,"data_dir":%q}`, own, data))
	env := map[string]string{
		"SYFTBOX_CLIENT_CONFIG_PATH": config, "SYFTEVENT_APP": "conformance", "SYFTEVENT_OPTIONS": options,
	}
	return func(name string) string { return env[name] }
}

// start starts the client in a new data directory.
func start(t *testing.T, options string) *run {
	t.Helper()
	return startIn(t, t.TempDir(), mutant.None, options)
}

func startIn(t *testing.T, data, defect, options string) *run {
	t.Helper()
	getenv := environment(t, data, options)
	stdin, calls := io.Pipe()
	output, stdout := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	r := &run{t: t, data: data, stdin: calls, cancel: cancel, ended: make(chan error, 1)}
	go func() {
		err := Run(ctx, defect, getenv, stdin, stdout, t.Output())
		stdout.Close()
		r.ended <- err
		close(r.ended)
	}()
	lines := make(chan map[string]any, 1000)
	go func() {
		defer close(lines)
		in := bufio.NewScanner(output)
		in.Buffer(nil, 64<<20)
		for in.Scan() {
			var line map[string]any
			if err := json.Unmarshal(in.Bytes(), &line); err != nil {
				t.Errorf("output %q: %v", in.Bytes(), err)
			}
			lines <- line
		}
	}()
	r.results = lines
	r.ready = r.next()
	t.Cleanup(func() {
		cancel()
		calls.Close()
		select {
		case <-r.ended:
		case <-time.After(deadline):
			t.Error("the client has not ended")
		}
	})
	return r
}

// quick are options with which tests do not wait long.
const quick = `{"poll_interval":"5ms","settle":"200ms"}`

func (r *run) next() map[string]any {
	r.t.Helper()
	select {
	case line, ok := <-r.results:
		if !ok {
			r.t.Fatal("the client has ended")
		}
		return line
	case <-time.After(deadline):
		r.t.Fatal("no line of output")
	}
	return nil
}

// call writes a call with members other than the usual ones.
func (r *run) call(number int, members map[string]any) {
	r.t.Helper()
	line := map[string]any{
		"call": number, "method": "POST", "url": echoURL, "headers": map[string]string{}, "body_base64": nil, "expires_in": 600,
	}
	for name, value := range members {
		line[name] = value
	}
	data, err := json.Marshal(line)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.stdin.Write(append(data, '\n')); err != nil {
		r.t.Fatal(err)
	}
}

// wantEnd ends the input, and waits until the client has ended.
func (r *run) wantEnd() {
	r.t.Helper()
	r.stdin.Close()
	select {
	case err := <-r.ended:
		if err != nil {
			r.t.Error(err)
		}
	case <-time.After(deadline):
		r.t.Fatal("the client has not ended")
	}
}

func (r *run) wantStatus(line map[string]any, status float64) {
	r.t.Helper()
	if line["status"] != status {
		r.t.Errorf("got %v, want status %v", line, status)
	}
}

func (r *run) wantError(line map[string]any, reason string) {
	r.t.Helper()
	if line["error"] != reason {
		r.t.Errorf("got %v, want error %s", line, reason)
	}
}

// folder is the client's own folder of the endpoint echo.
func (r *run) folder() string { return folderIn(r.data) }

func folderIn(data string) string {
	return filepath.Join(data, "datasites", server, "app_data", "conformance", "rpc", "echo", own)
}

func (r *run) eventually(what string, condition func() bool) {
	r.t.Helper()
	for began := time.Now(); !condition(); time.Sleep(time.Millisecond) {
		if time.Since(began) > deadline {
			names, _ := filepath.Glob(filepath.Join(r.folder(), "*"))
			r.t.Fatalf("not within %v: %s; files: %q", deadline, what, names)
		}
	}
}

// request waits for the only request, and returns its path without extension, and its bytes.
func (r *run) request() (base string, data []byte) {
	r.t.Helper()
	r.eventually("a request", func() bool {
		names, _ := filepath.Glob(filepath.Join(r.folder(), "*"+requestSuffix))
		if len(names) == 0 {
			return false
		}
		base = strings.TrimSuffix(names[0], requestSuffix)
		var err error
		data, err = os.ReadFile(names[0])
		return err == nil
	})
	return base, data
}

// wantNothing waits until the own folder has nothing but a .syftkeep.
func (r *run) wantNothing() {
	r.t.Helper()
	r.eventually("a folder with a .syftkeep only", func() bool {
		entries, err := os.ReadDir(r.folder())
		return err == nil && len(entries) == 1 && entries[0].Name() == ".syftkeep"
	})
}

// answer writes the response to a request, with some members changed. nil removes a member.
func answer(t *testing.T, base string, request []byte, members map[string]any) {
	t.Helper()
	write(t, base+responseSuffix, string(response(t, request, members)))
}

func response(t *testing.T, request []byte, changes map[string]any) []byte {
	t.Helper()
	var asked map[string]any
	if err := json.Unmarshal(request, &asked); err != nil {
		t.Errorf("request %q: %v", request, err)
	}
	members := map[string]any{
		"id": asked["id"], "sender": server, "url": asked["url"], "body": asked["body"], "headers": asked["headers"],
		"created": "2026-11-23T11:55:00.1+00:00", "expires": asked["expires"], "status_code": 200,
	}
	for name, value := range changes {
		if members[name] = value; value == absent {
			delete(members, name)
		}
	}
	data, err := json.Marshal(members)
	if err != nil {
		t.Error(err)
	}
	return data
}

// absent removes a member.
const absent = "\x00absent"

// write makes a file appear whole.
func write(t *testing.T, name, data string) {
	t.Helper()
	if err := writeWhole(name, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

func writeWhole(name string, data []byte) error {
	temporary := name + ".tmp"
	if err := os.WriteFile(temporary, data, 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, name)
}

// serve answers all requests until the test ends.
func (r *run) serve(changes map[string]any) {
	answered := map[string]bool{}
	stopped := make(chan struct{})
	r.t.Cleanup(func() { <-stopped })
	go func() {
		defer close(stopped)
		for ; r.t.Context().Err() == nil; time.Sleep(2 * time.Millisecond) {
			filepath.WalkDir(filepath.Join(r.data, "datasites"), func(name string, _ fs.DirEntry, err error) error {
				base, ok := strings.CutSuffix(name, requestSuffix)
				if err != nil || !ok || answered[name] {
					return nil
				}
				data, err := os.ReadFile(name)
				if err != nil {
					return nil
				}
				answered[name] = true
				return writeWhole(base+responseSuffix, response(r.t, data, changes))
			})
		}
	}()
}

// Identical cached calls share a request, as long as it has not expired.
func TestSharesCachedRequest(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	cached := func(number int, expiresIn float64, body string) {
		t.Helper()
		r.call(number, map[string]any{
			"body_base64": body, "expires_in": expiresIn, "options": map[string]bool{"cached": true},
		})
	}
	requests := func() int {
		names, _ := filepath.Glob(filepath.Join(r.folder(), "*"+requestSuffix))
		return len(names)
	}
	cached(1, 600, "YQ==")
	cached(2, 600, "YQ==")
	base, data := r.request()
	answer(t, base, data, nil)
	r.wantStatus(r.next(), 200)
	r.wantStatus(r.next(), 200)
	cached(3, 600, "YQ==")
	r.wantStatus(r.next(), 200)
	if n := requests(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	cached(4, 0.2, "Yg==")
	r.wantError(r.next(), "expired")
	cached(5, 0.2, "Yg==")
	r.wantError(r.next(), "expired")
	r.serve(nil)
	cached(6, 600, "Yg==")
	r.wantStatus(r.next(), 200)
	if n := requests(); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	r.wantEnd()
}

func TestReturnsResponse(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	if r.ready["role"] != "client" || r.ready["ready"] != true || r.ready["settle_ms"] != 200.0 {
		t.Errorf("ready line %v", r.ready)
	}
	fmt.Fprintln(r.stdin, "\nno call\n{\"note\":1}") // ignored
	body := base64.StdEncoding.EncodeToString([]byte("\xff\xfe\x00<&>"))
	r.call(1, map[string]any{"body_base64": body, "headers": map[string]string{"A": "", "H": "Ü 1"}, "url": echoURL + "?q=<&>"})
	base, data := r.request()
	var asked map[string]any
	if err := json.Unmarshal(data, &asked); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"id": filepath.Base(base), "sender": own, "url": echoURL + "?q=<&>", "method": "POST", "body": "__4APCY-",
	} {
		if asked[name] != want {
			t.Errorf("%s is %v, want %v", name, asked[name], want)
		}
	}
	if headers := asked["headers"].(map[string]any); len(headers) != 2 || headers["H"] != "Ü 1" {
		t.Errorf("headers are %v", headers)
	}
	created, createdErr := time.Parse(time.RFC3339, asked["created"].(string))
	expires, expiresErr := time.Parse(time.RFC3339, asked["expires"].(string))
	if createdErr != nil || expiresErr != nil || expires.Sub(created) != 600*time.Second {
		t.Errorf("created %v, expires %v", asked["created"], asked["expires"])
	}
	answer(t, base, data, map[string]any{"status_code": 299})
	line := r.next()
	r.wantStatus(line, 299)
	if line["call"] != 1.0 || line["body_base64"] != body || line["headers"].(map[string]any)["H"] != "Ü 1" {
		t.Errorf("got %v", line)
	}
	r.wantNothing()
	r.wantEnd()
}

func TestReturnsBody(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	r.serve(nil)
	large := base64.StdEncoding.EncodeToString(make([]byte, 100_000))
	for i, body := range []any{nil, "", "YQ==", large} {
		r.call(i, map[string]any{"body_base64": body})
		line := r.next()
		r.wantStatus(line, 200)
		if got, ok := line["body_base64"]; got != body || !ok {
			t.Errorf("got %.200v, want body %.200v", line, body)
		}
	}
}

func TestRefusesInvalidCalls(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	base := "syft://server@example.com/app_data/conformance/rpc"
	for i, url := range []string{
		"", "echo", "http://server@example.com/app_data/conformance/rpc/echo", base, base + "/", base + "/echo/", base + "//echo",
		base + "/../echo", base + "/./echo", base + "/a/%2e%2e/%2E./echo", base + "/a%2fb", base + `/a\b`, base + "/a%5cb", base + "/a\x00b", base + "/a%00b",
		base + "/%zz", base + "/" + strings.Repeat("a", 236), "syft://../app_data/conformance/rpc/echo", "syft://server/app_data/conformance/rpc/echo",
		"syft://a@b@c/app_data/conformance/rpc/echo", "syft://server@example.com/app_data/../rpc/echo", "syft://server@example.com/app_data/a/b/rpc/echo",
		"syft://server@example.com/public/conformance/rpc/echo", "syft://server@example.com/app_data//rpc/echo",
	} {
		r.call(i, map[string]any{"url": url})
		if line := r.next(); line["error"] != "invalid" || line["call"] != float64(i) {
			t.Errorf("%q: got %v", url, line)
		}
	}
	for name, value := range map[string]any{
		"method": "OPTIONS", "expires_in": 0, "body_base64": "!", "headers": map[string]int{"n": 1}, "url": 1,
	} {
		r.call(1, map[string]any{name: value})
		if line := r.next(); line["error"] != "invalid" {
			t.Errorf("%s %v: got %v", name, value, line)
		}
	}
	if _, err := os.Lstat(filepath.Join(r.data, "datasites")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("datasites exists: %v", err)
	}
	r.wantEnd()
}

func TestUsesFolderOfEndpoint(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	r.serve(nil)
	for url, folder := range map[string]string{
		"conformance/rpc/v1/users/list":  "conformance/rpc/v1/users/list",
		"conformance/rpc/Caf%C3%A9%20au": "conformance/rpc/Café au",
		"conformance/rpc/items/..a?b#c":  "conformance/rpc/items/..a",
		"other.app/rpc/echo":             "other.app/rpc/echo",
	} {
		r.call(1, map[string]any{"url": "syft://server@example.com/app_data/" + url})
		r.wantStatus(r.next(), 200)
		if keep := filepath.Join(r.data, "datasites", server, "app_data", folder, own, keepName); !exists(keep) {
			t.Errorf("%s does not exist", keep)
		}
	}
}

func TestPublishesWholeFiles(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	done := make(chan struct{})
	body := base64.StdEncoding.EncodeToString(make([]byte, 1<<20))
	go func() {
		defer close(done)
		for i := range 5 {
			r.call(i, map[string]any{"body_base64": body})
		}
	}()
	seen := map[string]bool{}
	r.eventually("five whole requests", func() bool {
		entries, _ := os.ReadDir(r.folder())
		for _, entry := range entries {
			name := entry.Name()
			switch {
			case seen[name]:
			case strings.HasSuffix(name, requestSuffix):
				if data, err := os.ReadFile(filepath.Join(r.folder(), name)); err != nil || !json.Valid(data) {
					t.Errorf("incomplete request of %d bytes: %v", len(data), err)
				}
				seen[name] = true
			case name != ".syftkeep" && !strings.HasSuffix(name, ".tmp"):
				t.Errorf("file %s", name)
			}
		}
		return len(seen) == 5
	})
	<-done
	r.cancel()
	r.wantEnd()
	for range 5 {
		r.wantError(r.next(), "other")
	}
	r.wantNothing()
}

func TestRefusesBadEnvironment(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "config.json")
	write(t, config, `{"email":"../x","data_dir":"/"}`)
	for _, env := range []map[string]string{
		{},
		{"SYFTBOX_CLIENT_CONFIG_PATH": config},
		{"SYFTEVENT_OPTIONS": "{"},
		{"SYFTEVENT_OPTIONS": `{"poll_interval":"0s"}`},
		{"SYFTEVENT_OPTIONS": `{"settle":"soon"}`},
		{"SYFTEVENT_OPTIONS": `{"max_response_size":0}`},
	} {
		err := Run(t.Context(), mutant.None, func(name string) string { return env[name] }, strings.NewReader(""), io.Discard, io.Discard)
		if err == nil {
			t.Errorf("%v: no error", env)
		}
	}
	if err := Run(t.Context(), "no-such-defect", os.Getenv, strings.NewReader(""), io.Discard, io.Discard); err == nil {
		t.Error("no error for an unknown defect")
	}
}
