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

// testdata/syftbox-http-send.request is the file that SyftBox's server created for the same
// call. Only the id and the times differ.
func TestGatewayRequestMatchesSyftBox(t *testing.T) {
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
	c.until("the request arrives", func() bool { return c.exists(c.bob, key) })
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

func TestGatewayReturnsResponse(t *testing.T) {
	c := newCaller(t)
	for body, want := range map[string]any{`{"a":[1,"<&>"]}`: map[string]any{"a": []any{1.0, "<&>"}}, "plain text": "plain text"} {
		var status int
		var fields map[string]any
		done := make(chan bool)
		go func() {
			defer close(done)
			status, _, fields = c.do("POST", query("timeout", "20000"), body, nil)
		}()
		eventually(t, "the request arrives", func() bool {
			c.clock.Advance(10 * time.Millisecond)
			c.respond()
			return len(c.responses()) > 0
		})
		eventually(t, "the call returns", func() bool {
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
		// The gateway deletes both files on the server, and a full sync at bob's.
		id := fmt.Sprint(fields["request_id"])
		c.until("both files are deleted", func() bool {
			return !c.exists(c.bob, folder+"/"+id+".request") && !c.exists(c.bob, folder+"/"+id+".response")
		})
	}
}

func (c *caller) responses() []string {
	names, _ := filepath.Glob(c.bob.Path(folder) + "/*.response")
	return names
}

// respond responds to each request at bob's with its own body.
func (c *caller) respond() {
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
		t.Errorf("before the response: status %d, %v, %v", status, header, fields)
	}
	key := fmt.Sprintf("%s/%v.response", folder, fields["request_id"])
	c.write(c.bob, key, `{"status_code":200,"body":"%%%"}`)
	c.event("the response is on the server", func(e fakebox.Event) bool {
		return e.Path == key && (e.Op == fakebox.OpUpload || e.Op == fakebox.OpSend)
	})
	// The body is not valid URL-safe base64.
	c.until("the poll returns a result", func() bool {
		status, _, _ = c.do("GET", poll, "", nil)
		return status != 202
	})
	if status != 500 {
		t.Errorf("malformed response: status %d, want 500", status)
	}
	if status, _, fields := c.do("GET", poll, "", nil); status != 404 || fields["error"] != "not_found" {
		t.Errorf("second poll: status %d, %v; want 404, not_found", status, fields)
	}
}

func TestGatewayRejectsInvalidCalls(t *testing.T) {
	c := newCaller(t)
	tests := []struct {
		name, method, target string
		status               int
		code                 string
	}{
		{"no sender folder", "POST", query("suffix-sender", "false"), 403, "permission_denied"},
		{"another datasite", "POST", query("x-syft-url", "syft://carol@example.com/app_data/echo/rpc/hello"), 403, "permission_denied"},
		{"no URL", "POST", query("x-syft-url", ""), 400, "invalid_request"},
		{"URL leads out of the datasite", "POST", query("x-syft-url", "syft://bob@example.com/app_data/../../x"), 400, "invalid_request"},
		{"no sender", "POST", query("x-syft-from", ""), 400, "invalid_request"},
		{"sender is a path", "POST", query("x-syft-from", "../alice@example.com"), 400, "invalid_request"},
		{"malformed timeout", "POST", query("timeout", "soon"), 400, "invalid_request"},
		{"unsupported method", "PATCH", query(), 500, "internal_error"},
		{"poll without an id", "GET", strings.Replace(query(), "/msg", "/poll", 1), 400, "invalid_request"},
		{"poll for an unknown id", "GET", strings.Replace(query("x-syft-request-id", "1"), "/msg", "/poll", 1), 404, "not_found"},
	}
	for _, test := range tests {
		if status, _, fields := c.do(test.method, test.target, "x", nil); status != test.status || fields["error"] != test.code {
			t.Errorf("%s: status %d, %v; want %d, %s", test.name, status, fields, test.status, test.code)
		}
	}
	if status, _, _ := c.do("POST", query(), strings.Repeat("x", 4<<20+1), nil); status != 400 {
		t.Errorf("body larger than 4 MiB: status %d, want 400", status)
	}
	// Owners need no sender folder, and the sender is not authenticated.
	for _, from := range []string{"bob@example.com", "bob@example.co"} {
		if status, _, fields := c.do("POST", query("suffix-sender", "false", "x-syft-from", from), "x", nil); status != 202 {
			t.Errorf("from owner %s: status %d, %v; want 202", from, status, fields)
		}
	}
	if status, _, _ := c.do("POST", query("suffix-sender", "false", "x-syft-from", "guest@syft.org"), "x", map[string]string{"From": "bob@example.com"}); status != 202 {
		t.Errorf("with header From: status %d, want 202", status)
	}
}

func TestGatewayNormalizesURL(t *testing.T) {
	c := newCaller(t)
	for from, want := range map[string]string{
		"syft://bob@example.com/app_data/echo/rpc//hello":           callURL,
		"syft://bob@example.com//app_data/echo/rpc/hello/?b=2&b=1":  callURL + "?b=2",
		"syft://bob@example.com/app_data/echo/rpc/hello?b=2&a=%26x": callURL + "?a=%26x&b=2",
		"syft://bob@example.com/app_data/echo/rpc/%7Ba%7D/%C3%BC":   "syft://bob@example.com/app_data/echo/rpc/{a}/ü",
	} {
		status, _, fields := c.do("POST", query("x-syft-url", from), "x", nil)
		if status != 202 {
			t.Errorf("%s: status %d, %v", from, status, fields)
			continue
		}
		endpoint, _, _ := strings.Cut(strings.TrimPrefix(want, "syft://"), "?")
		key := fmt.Sprintf("%s/alice@example.com/%v.request", endpoint, fields["request_id"])
		c.until("the request arrives", func() bool { return c.exists(c.bob, key) })
		var e struct {
			URL     string
			Headers map[string]string
		}
		if err := json.Unmarshal([]byte(c.read(c.bob, key)), &e); err != nil || e.URL != want || e.Headers["x-syft-url"] != want {
			t.Errorf("%s: %+v, %v, want %s", from, e, err, want)
		}
	}
	for _, endpoint := range []string{"a%20b", "a&b", "a=b", "%3F"} {
		if status, _, fields := c.do("POST", query("x-syft-url", "syft://bob@example.com/app_data/echo/rpc/"+endpoint), "x", nil); status != 400 {
			t.Errorf("endpoint %s: status %d, %v, want 400", endpoint, status, fields)
		}
	}
}
