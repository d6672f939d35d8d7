package fakebox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/fakebox"
)

// A caller calls the gateway of a network.
type caller struct {
	*network
	server *httptest.Server
}

func newCaller(t *testing.T) *caller {
	t.Helper()
	c := &caller{network: newNetwork(t, fakebox.Config{})}
	c.server = httptest.NewServer(c.box.Gateway())
	t.Cleanup(c.server.Close)
	return c
}

func (c *caller) do(method, target string, body string, headers map[string]string) (status int, header http.Header, fields map[string]any) {
	c.Helper()
	req, err := http.NewRequest(method, c.server.URL+target, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	req.Close = headers["Connection"] == "close"
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(data, &fields)
	}
	if err != nil {
		c.Fatalf("%s: %v", data, err)
	}
	return resp.StatusCode, resp.Header, fields
}

const callURL = "syft://bob@example.com/app_data/echo/rpc/hello"

func query(pairs ...string) string {
	values := url.Values{"x-syft-from": {"alice@example.com"}, "x-syft-url": {callURL}, "timeout": {"0"}, "suffix-sender": {"true"}}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return "/api/v1/send/msg?" + values.Encode()
}

// The file is, byte for byte, what SyftBox's server makes of the same call, but for
// its id and times.
func TestGatewayWritesTheFileOfSyftBox(t *testing.T) {
	c := newCaller(t)
	status, header, fields := c.do("POST", query(), `{"n":1,"s":"???>>>"}`, map[string]string{
		"Accept-Encoding": "identity", "Connection": "close", "Content-Type": "application/json",
		"User-Agent": "Python-urllib/3.11", "X-Custom-Thing": "Yes", "Authorization": "Bearer secret",
	})
	id, _ := fields["request_id"].(string)
	if status != 202 || id == "" || header.Get("Location") == "" || header.Get("Location") != fields["data"].(map[string]any)["poll_url"] {
		t.Fatalf("status %d, %v, %v", status, header, fields)
	}
	key := folder + "/" + id + ".request"
	c.until("the request's file", func() bool { return c.exists(c.bob, key) })
	got := c.read(c.bob, key)
	data, err := os.ReadFile(filepath.Join("testdata", "syftbox-http-send.request"))
	if err != nil {
		t.Fatal(err)
	}
	want := string(data)
	times := regexp.MustCompile(`"(created|expires)":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z"`)
	plain := func(s string) string {
		s = regexp.MustCompile(`"id":"[0-9a-f-]{36}"`).ReplaceAllString(s, `"id":"ID"`)
		return times.ReplaceAllString(s, `"$1":"TIME"`)
	}
	if diff := cmp.Diff(plain(want), plain(got)); diff != "" {
		t.Errorf("(-SyftBox +fakebox):\n%s", diff)
	}
	var e struct{ Created, Expires time.Time }
	if err := json.Unmarshal([]byte(got), &e); err != nil || e.Expires.Sub(e.Created) != 24*time.Hour {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestGatewayAnswers(t *testing.T) {
	c := newCaller(t)
	for body, want := range map[string]any{`{"a":[1,"<&>"]}`: map[string]any{"a": []any{1.0, "<&>"}}, "plain text": "plain text"} {
		var status int
		var fields map[string]any
		done := make(chan bool)
		go func() {
			defer close(done)
			status, _, fields = c.do("POST", query("timeout", "20000"), body, nil)
		}()
		eventually(t, "the request's file", func() bool {
			c.clock.Advance(10 * time.Millisecond)
			c.answer()
			return len(c.responses()) > 0
		})
		eventually(t, "the answer", func() bool {
			c.clock.Advance(10 * time.Millisecond)
			select {
			case <-done:
				return true
			default:
				return false
			}
		})
		data, _ := fields["data"].(map[string]any)
		message, _ := data["message"].(map[string]any)
		if status != 200 || message["status_code"] != 418.0 || !cmp.Equal(message["body"], want) {
			t.Errorf("%s: status %d, %v", body, status, fields)
		}
		// Both files are deleted on the server, and then at bob's.
		id := fmt.Sprint(fields["request_id"])
		c.until("both are gone", func() bool {
			return !c.exists(c.bob, folder+"/"+id+".request") && !c.exists(c.bob, folder+"/"+id+".response")
		})
	}
}

func (c *caller) responses() []string {
	names, _ := filepath.Glob(c.bob.Path(folder) + "/*.response")
	return names
}

// answer answers each request at bob's with its own body.
func (c *caller) answer() {
	requests, _ := filepath.Glob(c.bob.Path(folder) + "/*.request")
	for _, name := range requests {
		response := strings.TrimSuffix(name, ".request") + ".response"
		var e struct{ ID, URL, Body string }
		data, err := os.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(data, &e)
		}
		if _, errStat := os.Stat(response); err != nil || errStat == nil {
			continue
		}
		out := fmt.Sprintf(`{"id":%q,"sender":"bob@example.com","url":%q,"body":%q,"headers":{},"status_code":418}`, e.ID, e.URL, e.Body)
		if err := os.WriteFile(response, []byte(out), 0o644); err != nil {
			c.Error(err)
		}
	}
}

func TestGatewayPoll(t *testing.T) {
	c := newCaller(t)
	status, header, fields := c.do("POST", query(), "x", nil)
	if status != 202 {
		t.Fatalf("status %d, %v", status, fields)
	}
	poll := header.Get("Location") + "&timeout=0"
	if status, header, fields := c.do("GET", poll, "", nil); status != 202 || header.Get("Retry-After") == "" {
		t.Errorf("before the answer: status %d, %v, %v", status, header, fields)
	}
	key := fmt.Sprintf("%s/%v.response", folder, fields["request_id"])
	c.write(c.bob, key, `{"status_code":200,"body":"%%%"}`)
	c.event("the answer on the server", func(e fakebox.Event) bool {
		return e.Path == key && (e.Op == fakebox.OpUpload || e.Op == fakebox.OpSend)
	})
	// A body that is not in the one form of base64 that SyftBox reads.
	c.until("the answer", func() bool {
		status, _, _ = c.do("GET", poll, "", nil)
		return status != 202
	})
	if status != 500 {
		t.Errorf("the answer: status %d", status)
	}
	if status, _, fields := c.do("GET", poll, "", nil); status != 404 || fields["error"] != "not_found" {
		t.Errorf("after the answer: status %d, %v", status, fields)
	}
}

func TestGatewayRefuses(t *testing.T) {
	c := newCaller(t)
	tests := []struct {
		name, method, target string
		status               int
		code                 string
	}{
		{"no sender's folder", "POST", query("suffix-sender", "false"), 403, "permission_denied"},
		{"another's datasite", "POST", query("x-syft-url", "syft://carol@example.com/app_data/echo/rpc/hello"), 403, "permission_denied"},
		{"no URL", "POST", query("x-syft-url", ""), 400, "invalid_request"},
		{"a URL out of the datasite", "POST", query("x-syft-url", "syft://bob@example.com/app_data/../../x"), 400, "invalid_request"},
		{"nobody", "POST", query("x-syft-from", ""), 400, "invalid_request"},
		{"a path for a name", "POST", query("x-syft-from", "../alice@example.com"), 400, "invalid_request"},
		{"a strange timeout", "POST", query("timeout", "soon"), 400, "invalid_request"},
		{"a strange method", "PATCH", query(), 500, "internal_error"},
		{"poll without id", "GET", strings.Replace(query(), "/msg", "/poll", 1), 400, "invalid_request"},
		{"poll of nothing", "GET", strings.Replace(query("x-syft-request-id", "1"), "/msg", "/poll", 1), 404, "not_found"},
	}
	for _, test := range tests {
		if status, _, fields := c.do(test.method, test.target, "x", nil); status != test.status || fields["error"] != test.code {
			t.Errorf("%s: status %d, %v; want %d, %s", test.name, status, fields, test.status, test.code)
		}
	}
	if status, _, _ := c.do("POST", query(), strings.Repeat("x", 4<<20+1), nil); status != 400 {
		t.Errorf("a large body: status %d", status)
	}
	// The owner, and whoever has an address that the owner's begins with, needs no
	// sender's folder; and anybody may say that they are somebody.
	for _, from := range []string{"bob@example.com", "bob@example.co"} {
		if status, _, fields := c.do("POST", query("suffix-sender", "false", "x-syft-from", from), "x", nil); status != 202 {
			t.Errorf("as %s: status %d, %v", from, status, fields)
		}
	}
	if status, _, _ := c.do("POST", query("suffix-sender", "false", "x-syft-from", "guest@syft.org"), "x", map[string]string{"From": "bob@example.com"}); status != 202 {
		t.Errorf("with a header From: status %d", status)
	}
}
