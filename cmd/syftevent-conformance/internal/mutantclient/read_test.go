package mutantclient

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRefusesForgedResponses(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	for i, changes := range []map[string]any{
		{"id": "3d060e39-29f2-4a2b-9780-7e1480ca8f05"},
		{"id": 1},
		{"sender": "other@example.com"},
		{"sender": own},
		{"sender": absent},
		{"url": echoURL + "/other"},
		{"url": echoURL + "2"},
		{"url": strings.Replace(echoURL, "conformance", "other", 1)},
		{"url": strings.Replace(echoURL, "server@", "other@", 1)},
		{"url": absent},
	} {
		r.call(i, nil)
		base, request := r.request()
		answer(t, base, request, changes)
		line := r.next()
		if line["error"] != "bad-response" {
			t.Errorf("%v: got %v", changes, line)
		}
		r.wantNothing()
	}
}

func TestRefusesMalformedResponses(t *testing.T) {
	t.Parallel()
	r := start(t, slow)
	for i, changes := range []map[string]any{
		{"status_code": absent}, {"status_code": "200"}, {"status_code": 99}, {"status_code": 600}, {"status_code": 200.5},
		{"body": "!"}, {"body": 1}, {"headers": map[string]int{"n": 1}}, {"headers": []string{}},
	} {
		r.call(i, nil)
		base, request := r.request()
		answer(t, base, request, changes)
		if line := r.next(); line["error"] != "bad-response" {
			t.Errorf("%v: got %v", changes, line)
		}
		r.wantNothing()
	}
}

func TestAcceptsForms(t *testing.T) {
	t.Parallel()
	r := start(t, slow)
	for i, changes := range []map[string]any{
		{"body": "-_8="}, {"body": "-_8"}, {"body": "+/8="}, {"body": "+/8"}, {"body": nil}, {"body": absent}, {"body": ""},
		{"headers": absent}, {"headers": nil}, {"id": absent},
		{"created": "2026-11-23T11:55:00Z"}, {"created": "2026-11-23T11:55:00.123456789+05:30"}, {"created": "2026-11-23T11:55:00"},
		{"created": 1.5, "expires": 2}, {"created": absent, "expires": absent},
		{"unknown": map[string]any{"a": 1}, "STATUS_CODE": 500, "Sender": "x"},
		{"sender": "Server@Example.COM"},
		{"url": strings.ToUpper(echoURL)}, {"url": echoURL + "/"}, {"url": echoURL + "?a#b"}, {"url": strings.Replace(echoURL, "echo", "%65cho", 1)},
		{"status_code": 100}, {"status_code": 306}, {"status_code": 599}, {"status_code": 404, "body": "-_8"},
	} {
		r.call(i, nil)
		base, request := r.request()
		answer(t, base, request, changes)
		want := 200.0
		if status, ok := changes["status_code"].(int); ok {
			want = float64(status)
		}
		line := r.next()
		if line["status"] != want {
			t.Errorf("%v: got %v", changes, line)
		}
		if text, ok := changes["body"].(string); ok && len(text) > 2 && text != absent && line["body_base64"] != "+/8=" {
			t.Errorf("%v: got %v", changes, line)
		}
		r.wantNothing()
	}
}

func TestAcceptsFormsOfID(t *testing.T) {
	t.Parallel()
	r := start(t, slow)
	for i, form := range []func(string) string{
		strings.ToUpper,
		func(id string) string { return strings.ReplaceAll(id, "-", "") },
		func(id string) string { return "{" + id + "}" },
		func(id string) string { return "urn:uuid:" + id },
	} {
		r.call(i, nil)
		base, request := r.request()
		id := form(filepath.Base(base))
		answer(t, base, request, map[string]any{"id": id})
		if line := r.next(); line["status"] != 200.0 {
			t.Errorf("%s: got %v", id, line)
		}
		r.wantNothing()
	}
}

func TestLimitsSizeOfResponses(t *testing.T) {
	t.Parallel()
	r := start(t, `{"poll_interval":"5ms","settle":"1h","max_response_size":2000}`)
	r.call(1, nil)
	base, request := r.request()
	data := response(t, request, nil)
	write(t, base+responseSuffix, string(data)+strings.Repeat(" ", 2000-len(data)))
	r.wantStatus(r.next(), 200)
	r.wantNothing()
	r.call(2, nil)
	base, request = r.request()
	data = response(t, request, nil)
	write(t, base+responseSuffix, string(data)+strings.Repeat(" ", 2001-len(data)))
	r.wantError(r.next(), "bad-response")
	r.wantNothing()
	r.wantEnd()
}

func TestLeavesFilesOfOthers(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	r.call(1, nil)
	base, request := r.request()
	others := []string{"a.request", "a.response", "b.rejected.request", "c.response", "d.tmp", "notes"}
	for _, name := range others {
		write(t, filepath.Join(r.folder(), name), `{}`)
	}
	answer(t, base, request, nil)
	r.wantStatus(r.next(), 200)
	r.wantEnd()
	for _, name := range others {
		if data, err := os.ReadFile(filepath.Join(r.folder(), name)); err != nil || string(data) != "{}" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
}

func TestCollectsFilesThatComeBack(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	r.call(1, nil)
	base, request := r.request()
	answer(t, base, request, nil)
	r.wantStatus(r.next(), 200)
	r.wantNothing()
	write(t, base+requestSuffix, string(request))
	r.eventually("collection of the request", func() bool { return !exists(base + requestSuffix) })
	answer(t, base, request, nil)
	r.eventually("collection of the response", func() bool { return !exists(base + responseSuffix) })
	write(t, base+".conflict"+responseSuffix, "{}")
	r.wantNothing()
}

func TestRequestIsValidJSON(t *testing.T) {
	t.Parallel()
	r := start(t, quick)
	for i, method := range methods {
		r.call(i, map[string]any{"method": method})
		base, data := r.request()
		var request map[string]any
		if err := json.Unmarshal(data, &request); err != nil || request["method"] != method || len(request) != 8 {
			t.Errorf("request %s: %v", data, err)
		}
		answer(t, base, data, nil)
		r.wantStatus(r.next(), 200)
		r.wantNothing()
	}
}
