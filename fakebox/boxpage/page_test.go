package boxpage

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

// A client calls the page like a browser.
type client struct {
	t    *testing.T
	base *url.URL // of the page, with its secret
}

func serve(t *testing.T, box *fakebox.Box) *client {
	t.Helper()
	base, err := url.Parse(Serve(t, box, Options{Gateway: "http://127.0.0.1:1"}))
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, base}
}

// serve serves the page of the harness.
func (h *harness) serve() *client {
	h.t.Helper()
	s := httptest.NewServer(h.page)
	h.t.Cleanup(s.Close)
	base, err := url.Parse(s.URL + h.page.Path())
	if err != nil {
		h.t.Fatal(err)
	}
	return &client{h.t, base}
}

// do sends a request and returns the response with its body.
func (c *client) do(method, target, body string, change func(*http.Request)) (*http.Response, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base.String()+target, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Origin", "http://"+c.base.Host)
	}
	if change != nil {
		change(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp, string(data)
}

// json sends a request that must succeed, and decodes the response.
func (c *client) json(method, target, body string, v any) {
	c.t.Helper()
	resp, text := c.do(method, target, body, nil)
	if resp.StatusCode != http.StatusOK {
		c.t.Fatalf("%s %s: status %d: %s", method, target, resp.StatusCode, text)
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		c.t.Fatalf("%s %s: %v in %s", method, target, err, text)
	}
}

func TestRefusesForgedRequests(t *testing.T) {
	box := fakebox.New(t, fakebox.Config{})
	box.Join(bob)
	c := serve(t, box)
	port := c.base.Port()
	set := func(name, value string) func(*http.Request) {
		return func(req *http.Request) { req.Header.Set(name, value) }
	}
	host := func(name string) func(*http.Request) { return func(req *http.Request) { req.Host = name } }
	toPath := func(path string) func(*http.Request) { return func(req *http.Request) { req.URL.Path = path } }
	heal := `{}`
	for _, test := range []struct {
		name         string
		method, path string
		change       func(*http.Request)
		status       int
	}{
		{"page", "GET", "", nil, 200},
		{"state", "GET", "api/state", nil, 200},
		{"localhost", "GET", "api/state", host("localhost:" + port), 200},
		{"typed by the user", "GET", "", set("Sec-Fetch-Site", "none"), 200},
		{"own page", "POST", "api/heal", set("Sec-Fetch-Site", "same-origin"), 200},
		{"program without an origin", "POST", "api/heal", func(req *http.Request) { req.Header.Del("Origin") }, 200},
		{"other host", "GET", "api/state", host("evil.example:" + port), 403},
		{"other host that looks like a loopback address", "GET", "api/state", host("127.0.0.1.evil.example:" + port), 403},
		{"loopback address with another port", "GET", "api/state", host("127.0.0.1:1"), 403},
		{"host without a port", "GET", "api/state", host("localhost"), 403},
		{"other origin reads", "GET", "api/state", set("Origin", "http://evil.example"), 403},
		{"other origin writes", "POST", "api/heal", set("Origin", "http://evil.example"), 403},
		{"other port as origin", "POST", "api/heal", set("Origin", "http://127.0.0.1:1"), 403},
		{"opaque origin", "POST", "api/heal", set("Origin", "null"), 403},
		{"two origins", "POST", "api/heal", func(req *http.Request) { req.Header.Add("Origin", "http://evil.example") }, 403},
		{"other site", "GET", "", set("Sec-Fetch-Site", "cross-site"), 403},
		{"other site on this machine", "GET", "api/state", set("Sec-Fetch-Site", "same-site"), 403},
		{"form of another site", "POST", "api/heal", set("Content-Type", "text/plain"), 403},
		{"form", "POST", "api/heal", set("Content-Type", "application/x-www-form-urlencoded"), 403},
		{"no content type", "POST", "api/heal", func(req *http.Request) { req.Header.Del("Content-Type") }, 403},
		{"no secret", "GET", "", toPath("/"), 403},
		{"no secret for the API", "GET", "", toPath("/api/state"), 403},
		{"no secret for a script", "GET", "", toPath("/app.js"), 403},
		{"wrong secret", "GET", "", toPath("/" + strings.Repeat("A", 26) + "/api/state"), 403},
		{"part of the secret", "GET", "", toPath(c.base.Path[:10] + "/api/state"), 403},
		{"GET heals", "GET", "api/heal", nil, 405},
		{"GET sends", "GET", "api/send", nil, 405},
		{"GET injects", "GET", "api/fault", nil, 405},
		{"GET disconnects", "GET", "api/online", nil, 405},
		{"GET stops a client", "GET", "api/client", nil, 405},
		{"GET stops the server", "GET", "api/server", nil, 405},
		{"GET changes the speed", "GET", "api/speed", nil, 405},
		{"PUT", "PUT", "api/heal", nil, 403},
		{"DELETE", "DELETE", "api/state", nil, 403},
		{"OPTIONS", "OPTIONS", "api/heal", nil, 403},
		{"unknown path", "GET", "api/secrets", nil, 404},
		{"path out of the page", "GET", "../../etc/passwd", nil, 403},
	} {
		body := ""
		if test.method != "GET" {
			body = heal
		}
		resp, text := c.do(test.method, test.path, body, test.change)
		if resp.StatusCode != test.status {
			t.Errorf("%s: status %d, want %d: %s", test.name, resp.StatusCode, test.status, text)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": contentSecurityPolicy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin", "Access-Control-Allow-Origin": "",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", test.name, name, got, want)
			}
		}
	}
}

func TestListensOnLoopbackOnly(t *testing.T) {
	box := fakebox.New(t, fakebox.Config{})
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "example.com:0", "nonsense"} {
		if s, err := Listen(addr, box, Options{}); err == nil {
			s.Close()
			t.Errorf("%s: no error", addr)
		}
	}
	s, err := Listen("localhost:0", box, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A secret in the path must not depend on the browser: the page has only relative links.
func TestPageRequestsNothingElse(t *testing.T) {
	for _, name := range []string{"index.html", "app.js", "style.css"} {
		data, err := assets.ReadFile("page/" + name)
		if err != nil {
			t.Fatal(err)
		}
		// The only address is that of links to SPEC.md, which the user follows.
		outside := regexp.MustCompile(`https?://[^"\s]*`).FindAllString(string(data), -1)
		if name == "app.js" && len(outside) == 1 && strings.HasPrefix(outside[0], "https://github.com/syftevent/syftevent-go/blob/main/SPEC.md#") {
			outside = nil
		}
		if outside != nil {
			t.Errorf("%s: addresses %q", name, outside)
		}
		for _, link := range regexp.MustCompile(`(?:src|href|action)="([^"]*)"|url\(([^)]*)\)|fetch\((["'\x60][^,)]*)|EventSource\((["'\x60][^,)]*)`).FindAllStringSubmatch(string(data), -1) {
			target := strings.Trim(link[1]+link[2]+link[3]+link[4], "\"'` ")
			if strings.HasPrefix(target, "/") || strings.Contains(target, ":") {
				t.Errorf("%s: link to %q", name, target)
			}
		}
	}
}

// What a sender wrote can only become text: the script never parses HTML, and the page has
// no inline script or style, which its policy would block.
func TestScriptInsertsOnlyText(t *testing.T) {
	script, err := assets.ReadFile("page/app.js")
	if err != nil {
		t.Fatal(err)
	}
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc|\beval\b|new Function|setTimeout\(["'\x60]|setAttribute\(["'\x60]on|javascript:|setHTML`)
	if found := forbidden.FindAllString(string(script), -1); found != nil {
		t.Errorf("app.js uses %q", found)
	}
	page, err := assets.ReadFile("page/index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{`<script>`, `<style`, ` style=`, ` on[a-z]+=`} {
		if found := regexp.MustCompile(pattern).FindString(string(page)); found != "" {
			t.Errorf("index.html contains %q", found)
		}
	}
}

const attack = `<script>alert(1)</script>`

// A sender's markup is in JSON only, where < is escaped, and in downloads.
func TestEscapesWhatSendersWrite(t *testing.T) {
	if os.PathSeparator != '/' {
		t.Skip("file names cannot contain < here")
	}
	h := newHarness(t, false)
	c := serve(t, h.box)
	name := "<script>alert(1)<|script>" // a slash would be a folder
	folder := h.bob.Path(bob + "/app_data/" + name + "/rpc/" + name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(folder+"/../syft.pub.yaml", []byte(permissions), 0o644)
	os.WriteFile(folder+"/.syftkeep", nil, 0o644)
	schema, _ := json.Marshal(map[string]any{"/" + attack: map[string]any{"description": attack, "method": attack, "args": map[string]any{attack: map[string]any{"type": attack}}}})
	os.WriteFile(folder+"/../rpc.schema.json", schema, 0o644)
	for stored := false; !stored; time.Sleep(time.Millisecond) {
		_, stored = h.box.Stored(bob + "/app_data/" + name + "/rpc/syft.pub.yaml")
	}
	var sent struct{ N int }
	body, _ := json.Marshal(map[string]any{
		"from": alice, "to": bob, "app": name, "endpoint": name, "method": "POST", "headers": map[string]string{attack: attack}, "body": attack,
	})
	c.json("POST", "api/send", string(body), &sent)
	request := folder + "/" + alice + "/" + name + ".request"
	os.MkdirAll(folder+"/"+alice, 0o755)
	envelope, _ := json.Marshal(map[string]any{"id": attack, "sender": attack, "method": attack, "url": attack, "headers": map[string]any{attack: attack}, "created": attack, "expires": attack, "body": "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=="})
	os.WriteFile(request, envelope, 0o644)
	os.WriteFile(strings.TrimSuffix(request, ".request")+".response", []byte(strings.Replace(string(envelope), `"id"`, `"status_code":200,"id"`, 1)), 0o644)
	// The last call is that of the files.
	deadline := time.Now().Add(time.Minute)
	for call := (detail{}); call.ResponseF == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no such call: %+v", call)
		}
		for n := 1; n <= 2; n++ {
			if resp, text := c.do("GET", fmt.Sprintf("api/call?n=%d", n), "", nil); resp.StatusCode == 200 {
				var got detail
				if err := json.Unmarshal([]byte(text), &got); err != nil {
					t.Fatal(err)
				}
				if strings.HasSuffix(got.Key, name) && got.ResponseF != nil {
					call = got
				}
			}
		}
	}
	paths := []string{"", "api/state", "api/files", "api/script", "api/files?q=" + url.QueryEscape(attack), "api/call?n=" + url.QueryEscape(attack)}
	for n := 1; n <= 2; n++ {
		paths = append(paths, fmt.Sprintf("api/call?n=%d", n), fmt.Sprintf("api/script?n=%d", n))
	}
	for _, path := range paths {
		resp, text := c.do("GET", path, "", nil)
		kind := resp.Header.Get("Content-Type")
		switch {
		case strings.HasPrefix(kind, "text/plain"): // testscript; nosniff forbids to guess
		case strings.Contains(text, "<script>alert"):
			t.Errorf("%s (%s) contains the markup", path, kind)
		}
	}
	resp, text := c.do("POST", "api/snippets", string(body), nil)
	if resp.StatusCode != 200 || strings.Contains(text, "<script>") {
		t.Errorf("snippets: status %d: %s", resp.StatusCode, text)
	}
	resp, text = c.do("POST", "api/send", `{"from":"`+attack+`"}`, nil)
	if resp.StatusCode != 400 || strings.Contains(text, "<script>") {
		t.Errorf("send: status %d: %s", resp.StatusCode, text)
	}
	part := readPart(t, c, "")
	if strings.Contains(part.data, "<script>") {
		t.Error("the stream contains the markup")
	}
	for n := 1; n <= 2; n++ {
		// While a file is replaced, its content cannot be read.
		resp, text := c.do("GET", fmt.Sprintf("api/raw?part=request&n=%d", n), "", nil)
		for ; resp.StatusCode == http.StatusNotFound && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			resp, text = c.do("GET", fmt.Sprintf("api/raw?part=request&n=%d", n), "", nil)
		}
		if resp.StatusCode != http.StatusOK {
			t.Errorf("raw: status %d: %s", resp.StatusCode, text)
		}
		if kind := resp.Header.Get("Content-Type"); kind != "application/octet-stream" {
			t.Errorf("raw: content type %q", kind)
		}
		disposition, params, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition"))
		if err != nil || disposition != "attachment" || strings.ContainsAny(params["filename"], `<>/\"`) {
			t.Errorf("raw: %q, %v", resp.Header.Get("Content-Disposition"), err)
		}
	}
}

func TestSafeName(t *testing.T) {
	for name, want := range map[string]string{
		"1.request": "1.request", "a\r\nb: c": "a__b__c", `..\..\x.exe`: `_.._x.exe`, "..": "file", "../../x": "x", "": "file",
		`"; filename=x`: "___filename_x", "ä.request": "_.request",
	} {
		if got := safeName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got := safeName(strings.Repeat("x", 1000)); len(got) > 100 {
		t.Errorf("%d bytes", len(got))
	}
}

// A part is one event of a stream.
type part struct{ id, kind, data string }

// readPart returns the first part of a stream with data.
func readPart(t *testing.T, c *client, last string) part {
	t.Helper()
	return readPartOf(t, c, "api/stream", last)
}

func readPartOf(t *testing.T, c *client, target, last string) part {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", c.base.String()+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var p part
	for lines := bufio.NewReader(resp.Body); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("stream: %v after %+v", err, p)
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			p.id = value
		case "event":
			p.kind = value
		case "data":
			p.data = value
		case "":
			return p
		}
	}
}

func TestStreamResumes(t *testing.T) {
	box := fakebox.New(t, fakebox.Config{})
	replica := box.Join(bob)
	c := serve(t, box)
	name := rpc + "/hello/" + alice + "/1.request"
	deliver := func() { replica.Deliver(name, []byte("{}"), fakebox.Delivery{}) }
	decodePart := func(p part) (got struct {
		Calls  []summary
		Events []struct {
			Seq uint64 `json:"q"`
		}
	}) {
		t.Helper()
		if err := json.Unmarshal([]byte(p.data), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	deliver()
	var p part
	for deadline := time.Now().Add(time.Minute); ; {
		if p = readPart(t, c, ""); len(decodePart(p).Events) == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v", p)
		}
	}
	if got := decodePart(p); len(got.Calls) != 1 || got.Calls[0].From != alice {
		t.Errorf("%+v", got)
	}
	deliver()
	deliver()
	for next := p; ; {
		resumed := readPart(t, c, next.id)
		got := decodePart(resumed)
		if resumed.kind != "" || len(got.Calls) > 1 {
			t.Fatalf("%+v", resumed)
		}
		if n := len(got.Events); n > 0 && got.Events[n-1].Seq == 3 {
			break
		}
	}
	if part := readPartOf(t, c, "api/stream?after="+url.QueryEscape(p.id), ""); part.kind != "" || len(decodePart(part).Events) >= 3 {
		t.Errorf("%+v; want what is after the first part", part)
	}
	if reset := readPart(t, c, "other-1"); reset.kind != "reset" {
		t.Errorf("%+v; want a reset", reset)
	}
}

func TestControlsNetwork(t *testing.T) {
	h := newHarness(t, true)
	c := serve(t, h.box)
	var ok map[string]any
	c.json("POST", "api/fault", `{"fault":"torn","next":2}`, &ok)
	c.json("POST", "api/fault", `{"fault":"future","rate":0.5}`, &ok)
	c.json("POST", "api/fault", `{"rate":0.25}`, &ok)
	c.json("POST", "api/online", `{"email":"alice@example.com","online":false}`, &ok)
	c.json("POST", "api/client", `{"email":"bob@example.com","running":false}`, &ok)
	c.json("POST", "api/server", `{"running":false}`, &ok)
	c.json("POST", "api/speed", `{"speed":40}`, &ok)
	var n network
	c.json("GET", "api/state", "", &n)
	if n.Server || n.Speed != 40 || n.Rate != 0.25 || n.People[0].Online || n.People[1].Running {
		t.Errorf("%+v", n)
	}
	for _, f := range n.Faults {
		if f.Fault == fakebox.Torn && f.Next != 2 || f.Fault == fakebox.Future && f.Rate != 0.5 || f.Requirement == "" {
			t.Errorf("%+v", f)
		}
	}
	if resp, text := c.do("POST", "api/client", `{"email":"bob@example.com","running":true}`, nil); resp.StatusCode != 409 {
		t.Errorf("start without a server: status %d: %s", resp.StatusCode, text)
	}
	c.json("POST", "api/server", `{"running":true}`, &ok)
	c.json("POST", "api/server", `{"running":true}`, &ok) // changes nothing
	c.json("POST", "api/client", `{"email":"bob@example.com","running":true}`, &ok)
	c.json("POST", "api/heal", `{}`, &ok)
	c.json("GET", "api/state", "", &n)
	if !n.Server || n.Rate != 0 || !n.People[0].Online || !n.People[1].Running {
		t.Errorf("%+v", n)
	}
	_, script := c.do("GET", "api/script", "", nil)
	for _, line := range []string{
		"box offline alice@example.com\n", "box client stop bob@example.com\n", "box hub stop\n", "box speed 40\n", "box hub start\n",
		"box client start bob@example.com\n", "box online alice@example.com\n",
	} {
		if !strings.Contains(script, line) {
			t.Errorf("the script lacks %q:\n%s", line, script)
		}
	}
	for _, body := range []string{
		`{"fault":"flood","next":1}`, `{"fault":"torn","next":-1}`, `{"fault":"torn","rate":2}`, `{"next":1}`, `{"other":1}`, `[]`, ``,
	} {
		if resp, text := c.do("POST", "api/fault", body, nil); resp.StatusCode != 400 {
			t.Errorf("%s: status %d: %s", body, resp.StatusCode, text)
		}
	}
}

func TestSendsAndShowsAnswer(t *testing.T) {
	h := newHarness(t, true)
	h.write(h.bob, rpc+"/rpc.schema.json", `{"/hello": {"description": "Greets.", "args": {"a": {"type": "int", "required": true}}, "returns": "str"}}`)
	c := serve(t, h.box)
	for stored := false; !stored; time.Sleep(time.Millisecond) {
		_, stored = h.box.Stored(bob + "/" + rpc + "/syft.pub.yaml")
	}
	var n network
	c.json("GET", "api/state", "", &n)
	if len(n.Apps) != 1 || n.Apps[0].Name != "echo" || len(n.Apps[0].Endpoints) != 1 || n.Apps[0].Endpoints[0].Description != "Greets." {
		t.Errorf("apps %+v", n.Apps)
	}
	var sent struct{ N int }
	c.json("POST", "api/send", `{"from":"alice@example.com","to":"bob@example.com","app":"echo","endpoint":"/hello","method":"PUT","headers":{"x-a":"b"},"body":"{\"a\":1}","expires":60}`, &sent)
	call := fmt.Sprintf("api/call?n=%d", sent.N)
	var d detail
	for deadline := time.Now().Add(time.Minute); d.State != stateArrived; time.Sleep(2 * time.Millisecond) {
		if c.json("GET", call, "", &d); time.Now().After(deadline) {
			t.Fatalf("%+v", d)
		}
	}
	if d.Method != "PUT" || d.RequestF.Headers["x-a"] != "b" || d.Diagnosis == nil {
		t.Errorf("%+v", d)
	}
	h.answer(d.Key, 201)
	for deadline := time.Now().Add(time.Minute); d.State != stateAnswered; time.Sleep(2 * time.Millisecond) {
		if c.json("GET", call, "", &d); time.Now().After(deadline) {
			t.Fatalf("%+v", d)
		}
	}
	if d.Status != 201 || d.ResponseF.Kind != "json" || len(d.Events) == 0 {
		t.Errorf("%+v", d)
	}
	_, raw := c.do("GET", fmt.Sprintf("api/raw?part=response&n=%d", sent.N), "", nil)
	if raw != `{"status_code":201,"headers":{},"body":"e30="}` {
		t.Errorf("raw response %q", raw)
	}
	for _, body := range []string{
		`{"from":"bob@example.com","to":"Bob","app":"a","endpoint":"b","method":"GET"}`,
		`{"from":"bob@example.com","to":"bob@example.com","app":"..","endpoint":"b","method":"GET"}`,
		`{"from":"bob@example.com","to":"bob@example.com","app":"a","endpoint":"../../x","method":"GET"}`,
		`{"from":"bob@example.com","to":"bob@example.com","app":"a","endpoint":"","method":"GET"}`,
		`{"from":"bob@example.com","to":"bob@example.com","app":"a","endpoint":"b","method":"GET x"}`,
		`{"from":"carol@example.com","to":"bob@example.com","app":"a","endpoint":"b","method":"GET"}`,
	} {
		if resp, text := c.do("POST", "api/send", body, nil); resp.StatusCode != 400 {
			t.Errorf("%s: status %d: %s", body, resp.StatusCode, text)
		}
	}
}

func TestListsFilesWithDifferences(t *testing.T) {
	h := newHarness(t, true)
	c := serve(t, h.box)
	h.alice.SetOnline(false)
	h.write(h.alice, "public/note.txt", "x")
	h.write(h.bob, rpc+"/hello/"+alice+"/1.rejected.request", "x")
	var l listing
	c.json("GET", "api/files", "", &l)
	files := map[string]listedFile{}
	for _, f := range l.Files {
		files[f.Path] = f
	}
	if f := files[bob+"/public/note.txt"]; !f.Differs || f.Hub != "" || f.Replicas[0] != "A" || f.Replicas[1] != "" {
		t.Errorf("%+v", f)
	}
	if f := files[bob+"/"+rpc+"/hello/"+alice+"/1.rejected.request"]; f.Differs || !strings.HasPrefix(f.Note, "rejected") {
		t.Errorf("%+v", f)
	}
	var shown struct{ Text, Kind string }
	c.json("GET", "api/file?place="+alice+"&path="+bob+"/public/note.txt", "", &shown)
	if shown.Text != "x" || shown.Kind != "text" {
		t.Errorf("%+v", shown)
	}
	for _, target := range []string{
		"api/file?place=" + alice + "&path=../../config.json", "api/file?place=" + alice + "&path=/etc/passwd", "api/file?place=x&path=y",
		"api/file?place=hub&path=y", "api/file?place=" + alice + "&path=" + bob,
	} {
		if resp, text := c.do("GET", target, "", nil); resp.StatusCode != 404 {
			t.Errorf("%s: status %d: %s", target, resp.StatusCode, text)
		}
	}
}

// A link in a replica must not show files elsewhere on the machine.
func TestDoesNotFollowLinksOutOfReplica(t *testing.T) {
	h := newHarness(t, false)
	c := serve(t, h.box)
	secret := t.TempDir() + "/secret.txt"
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"file.txt": secret, "folder": t.TempDir()} {
		if err := os.Symlink(target, h.bob.Path(bob+"/"+name)); err != nil {
			t.Skip("no symbolic links here")
		}
		if resp, text := c.do("GET", "api/file?place="+bob+"&path="+bob+"/"+name, "", nil); resp.StatusCode != 404 {
			t.Errorf("%s: status %d: %s", name, resp.StatusCode, text)
		}
	}
}

func TestDecodesContents(t *testing.T) {
	for data, want := range map[string]content{
		`{"body":"eyJhIjoxfQ==","method":"GET"}`: {Kind: "json", Body: "{\n  \"a\": 1\n}", Method: "GET"},
		`{"body":"aGk"}`:                         {Kind: "text", Body: "hi"},
		`{"body":""}`:                            {Kind: "empty"},
		`{"body":null}`:                          {Kind: "none"},
		`{"body":"_-8="}`:                        {Kind: "binary", Body: dump([]byte{0xff, 0xef})},
		`{"body":"%"}`:                           {Kind: "text", Body: "%", Error: "the body is not base64"},
	} {
		got := decode([]byte(data))
		if got.Kind != want.Kind || got.Body != want.Body || got.Error != want.Error || got.Method != want.Method {
			t.Errorf("%s: %+v", data, got)
		}
	}
	if got := decode([]byte(`{"body":`)); got.Error == "" {
		t.Error("incomplete: no error")
	}
	big := decode(bytes.Repeat([]byte("x"), 2*maxText))
	if len(big.Raw) != maxText || !big.Cut {
		t.Errorf("%d bytes of raw text, cut: %v", len(big.Raw), big.Cut)
	}
}

// The query of a request is in its URL, not in its folder, and names are escaped there.
func TestSendsQuery(t *testing.T) {
	h := newHarness(t, true)
	c := h.serve()
	var sent struct{ N int }
	c.json("POST", "api/send", `{"from":"alice@example.com","to":"bob@example.com","app":"echo","endpoint":"/hello/a b%41?x=1&y=%3F","method":"GET"}`, &sent)
	h.awaitState(sent.N, stateArrived)
	var d detail
	c.json("GET", fmt.Sprintf("api/call?n=%d", sent.N), "", &d)
	if want := "syft://bob@example.com/app_data/echo/rpc/hello/a%20b%2541?x=1&y=%3F"; d.URL != want || d.Endpoint != "/hello/a b%41" {
		t.Errorf("url %s, endpoint %s; want %s", d.URL, d.Endpoint, want)
	}
	for endpoint, want := range map[string]string{
		"/hello#top": "has no fragment", "/users/{id}": "the path parameter {id} has no value", "/hello?x=%zz": "invalid URL escape",
	} {
		resp, text := c.do("POST", "api/send", `{"from":"alice@example.com","to":"bob@example.com","app":"echo","endpoint":"`+endpoint+`","method":"GET"}`, nil)
		if resp.StatusCode != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: status %d: %s", endpoint, resp.StatusCode, text)
		}
	}
}

func TestLimitsStreams(t *testing.T) {
	box := fakebox.New(t, fakebox.Config{})
	c := serve(t, box)
	open := func() *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), "GET", c.base.String()+"api/stream", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	first := open()
	for range maxStreams - 1 {
		if resp := open(); resp.StatusCode != http.StatusOK {
			t.Fatalf("status %d", resp.StatusCode)
		}
	}
	if resp := open(); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d of one stream too many", resp.StatusCode)
	}
	first.Body.Close()
	for deadline := time.Now().Add(time.Minute); open().StatusCode != http.StatusOK; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no stream after another one has ended")
		}
	}
}
