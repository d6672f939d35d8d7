package wire

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func vector(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func at(t *testing.T, rfc3339 string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, rfc3339)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// The files in testdata were written by the peers; see the README there.

func TestDecodeRequestOfPythonPackage(t *testing.T) {
	got, err := DecodeRequest(vector(t, "syft-rpc-send.request"))
	if err != nil {
		t.Fatal(err)
	}
	want := &Request{
		ID:      "3d060e39-29f2-4a2b-9780-7e1480ca8f05",
		Sender:  "bob@example.org",
		URL:     "syft://alice@example.org/app_data/demo/rpc/echo",
		Method:  "POST",
		Headers: map[string]string{"h": "1"},
		Body:    []byte(`{"a":1}`),
		Created: at(t, "2026-11-23T11:55:00.040573Z"),
		Expires: at(t, "2026-11-23T12:10:00.040308Z"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestDecodeRequestOfGateway(t *testing.T) {
	got, err := DecodeRequest(vector(t, "syftbox-http-send.request"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Headers["x-custom-thing"] != "Yes" || got.Method != "POST" {
		t.Errorf("headers %v, method %s", got.Headers, got.Method)
	}
	if diff := cmp.Diff(`{"n":1,"s":"???>>>"}`, string(got.Body)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if want := at(t, "2026-11-23T11:59:43.419921Z"); !got.Created.Equal(want) {
		t.Errorf("created %v, want %v: nanoseconds are cut off, not rounded", got.Created, want)
	}
}

func TestAppendRequestIsByteIdenticalToPythonPackage(t *testing.T) {
	data := vector(t, "syft-rpc-send.request")
	r, err := DecodeRequest(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(data), string(AppendRequest(nil, r))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAppendResponseIsByteIdenticalToPythonPackage(t *testing.T) {
	data := vector(t, "syft-event-reply.response")
	r, err := DecodeResponse(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(data), string(AppendResponse(nil, r))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMessageIDIsThePythonPackages(t *testing.T) {
	var vectors []struct{ Canonical, ID string }
	if err := json.Unmarshal(vector(t, "message-ids.json"), &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != 6 {
		t.Fatalf("%d vectors, want 6", len(vectors))
	}
	for _, v := range vectors {
		r, err := DecodeRequest([]byte(v.Canonical))
		if err != nil {
			t.Fatalf("%s: %v", v.Canonical, err)
		}
		got := MessageID(r)
		// The one vector with headers out of order: ours are sorted, because a
		// map keeps no order.
		if strings.Contains(v.Canonical, `{"X-B":"2","X-A":"1"}`) {
			if got == v.ID {
				t.Errorf("unsorted headers: id %s is the peer's; it hashes another order", got)
			}
			continue
		}
		if got != v.ID {
			t.Errorf("%s: id %s, want %s", v.Canonical, got, v.ID)
		}
	}
}

const minimal = `"sender":"a@example.com","url":"syft://b@example.com/app_data/x/rpc/y"`

func TestDecodeRequestLenient(t *testing.T) {
	tests := []struct {
		name, json string
		check      func(*Request) bool
	}{
		{"absent fields", `{` + minimal + `}`, func(r *Request) bool {
			return r.ID == "" && r.Method == "GET" && r.Body == nil && r.Headers != nil && r.Created.IsZero() && r.Expires.IsZero()
		}},
		{"spaces around", " \n\t{" + minimal + "}\r\n ", func(r *Request) bool { return r.Sender == "a@example.com" }},
		{"unknown field", `{` + minimal + `,"future":[1,{"a":2}]}`, func(r *Request) bool { return true }},
		{"last duplicate wins", `{"sender":"z@example.com",` + minimal + `}`, func(r *Request) bool { return r.Sender == "a@example.com" }},
		{"other case is another field", `{` + minimal + `,"Sender":"z@example.com","METHOD":"POST"}`, func(r *Request) bool {
			return r.Sender == "a@example.com" && r.Method == "GET"
		}},
		{"null body", `{` + minimal + `,"body":null}`, func(r *Request) bool { return r.Body == nil }},
		{"empty body", `{` + minimal + `,"body":""}`, func(r *Request) bool { return r.Body != nil && len(r.Body) == 0 }},
		{"URL-safe padded", `{` + minimal + `,"body":"-_8="}`, func(r *Request) bool { return string(r.Body) == "\xfb\xff" }},
		{"URL-safe unpadded", `{` + minimal + `,"body":"-_8"}`, func(r *Request) bool { return string(r.Body) == "\xfb\xff" }},
		{"standard padded", `{` + minimal + `,"body":"+/8="}`, func(r *Request) bool { return string(r.Body) == "\xfb\xff" }},
		{"standard unpadded", `{` + minimal + `,"body":"+/8"}`, func(r *Request) bool { return string(r.Body) == "\xfb\xff" }},
		{"surrogate pair", `{` + minimal + `,"id":"\ud83d\ude00"}`, func(r *Request) bool { return r.ID == "😀" }},
		{"escaped backslash before u", `{` + minimal + `,"id":"\\ud83d"}`, func(r *Request) bool { return r.ID == `\ud83d` }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := DecodeRequest([]byte(test.json))
			if err != nil {
				t.Fatal(err)
			}
			if !test.check(r) {
				t.Errorf("decoded to %+v", r)
			}
		})
	}
}

func TestDecodeRequestRefuses(t *testing.T) {
	tests := []struct{ name, json, field string }{
		{"empty file", "", ""},
		{"half a file", `{"sender":"a@exam`, ""},
		{"byte order mark", "\ufeff{" + minimal + "}", ""},
		{"trailing garbage", `{` + minimal + `}x`, ""},
		{"array", `[]`, ""},
		{"null", `null`, ""},
		{"invalid UTF-8", `{` + minimal + ",\"id\":\"\xff\"}", ""},
		{"lone surrogate", `{` + minimal + `,"id":"\ud83d"}`, ""},
		{"surrogates in the wrong order", `{` + minimal + `,"id":"\ude00\ud83d"}`, ""},
		{"no sender", `{"url":"syft://b@example.com/"}`, "sender"},
		{"no url", `{"sender":"a@example.com"}`, "url"},
		{"null sender", `{"sender":null,"url":"u"}`, "sender"},
		{"number as id", `{` + minimal + `,"id":7}`, "id"},
		{"empty id", `{` + minimal + `,"id":""}`, "id"},
		{"null id", `{` + minimal + `,"id":null}`, "id"},
		{"lower-case method", `{` + minimal + `,"method":"get"}`, "method"},
		{"empty method", `{` + minimal + `,"method":""}`, "method"},
		{"unknown method", `{` + minimal + `,"method":"OPTIONS"}`, "method"},
		{"number in headers", `{` + minimal + `,"headers":{"a":1}}`, "headers"},
		{"null in headers", `{` + minimal + `,"headers":{"a":null}}`, "headers"},
		{"null headers", `{` + minimal + `,"headers":null}`, "headers"},
		{"number as body", `{` + minimal + `,"body":1}`, "body"},
		{"body with a line end", `{` + minimal + `,"body":"aGk\n="}`, "body"},
		{"body not base64", `{` + minimal + `,"body":"a"}`, "body"},
		{"null created", `{` + minimal + `,"created":null}`, "created"},
		{"expires not a time", `{` + minimal + `,"expires":"soon"}`, "expires"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := DecodeRequest([]byte(test.json))
			if err == nil {
				t.Fatalf("decoded to %+v", r)
			}
			field := ""
			if wrong := (*FieldError)(nil); errors.As(err, &wrong) {
				field = wrong.Field
			}
			if field != test.field {
				t.Errorf("error %q blames field %q, want %q", err, field, test.field)
			}
		})
	}
}

// Whoever can plant a symbolic link must not learn what it points to.
func TestDecodeErrorsQuoteNothing(t *testing.T) {
	for _, data := range []string{`SECRET`, `{"sender":"SECRET"}`, `{` + minimal + `,"body":"SECRET!"}`, `{"SECRET`, `{` + minimal + `,"method":"SECRET"}`} {
		_, err := DecodeRequest([]byte(data))
		if err == nil || strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "'S'") {
			t.Errorf("%s: error %v", data, err)
		}
	}
}

func TestDecodeResponseStatus(t *testing.T) {
	for given, want := range map[string]int{``: 200, `,"status_code":404`: 404, `,"status_code":"201"`: 201} {
		r, err := DecodeResponse([]byte(`{` + minimal + given + `}`))
		if err != nil || r.StatusCode != want {
			t.Errorf("%s: %v, %v; want %d", given, r, err, want)
		}
	}
	if _, err := DecodeResponse([]byte(`{` + minimal + `,"status_code":200.5}`)); err == nil {
		t.Error("200.5 is accepted")
	}
}

func TestTimes(t *testing.T) {
	tests := []struct{ given, want string }{
		{`"2026-11-23T11:55:00.040573+00:00"`, "2026-11-23T11:55:00.040573+00:00"},
		{`"2026-11-23T11:59:43.41992149Z"`, "2026-11-23T11:59:43.419921+00:00"},
		{`"2026-11-23T11:59:43Z"`, "2026-11-23T11:59:43+00:00"},
		{`"2026-11-23 11:59:43.5-05:30"`, "2026-11-23T11:59:43.500000-05:30"},
		{`"2026-11-23T11:59:43.5"`, "2026-11-23T11:59:43.500000+00:00"},
		{`"2026-11-23t11:59z"`, "2026-11-23T11:59:00+00:00"},
		{`"2030-01-01"`, "2030-01-01T00:00:00+00:00"},
		{`0`, "1970-01-01T00:00:00+00:00"},
		{`1700000000.25`, "2023-11-14T22:13:20.250000+00:00"},
		{`1700000000250`, "2023-11-14T22:13:20.250000+00:00"},
		{`"1700000000"`, "2023-11-14T22:13:20+00:00"},
	}
	for _, test := range tests {
		r, err := DecodeRequest([]byte(`{` + minimal + `,"created":` + test.given + `}`))
		if err != nil {
			t.Errorf("%s: %v", test.given, err)
			continue
		}
		if got := string(appendTime(nil, r.Created)); got != test.want {
			t.Errorf("%s: %s, want %s", test.given, got, test.want)
		}
	}
	for _, given := range []string{`"NaN"`, `1e300`, `"0000-01-01"`, `true`, `"2026-13-01"`, `""`} {
		if r, err := DecodeRequest([]byte(`{` + minimal + `,"created":` + given + `}`)); err == nil {
			t.Errorf("%s is accepted as %v", given, r.Created)
		}
	}
}

func TestCanonicalID(t *testing.T) {
	const want = "3d060e39-29f2-4a2b-9780-7e1480ca8f05"
	for _, id := range []string{want, strings.ToUpper(want), strings.ReplaceAll(want, "-", ""), "urn:uuid:" + want} {
		if got := CanonicalID(id); got != want {
			t.Errorf("CanonicalID(%q) = %q, want %q", id, got, want)
		}
	}
	for _, id := range []string{"", "request_123", "3d060e39-29f2-4a2b-9780-7e1480ca8f0", "HELLO"} {
		if got := CanonicalID(id); got != id {
			t.Errorf("CanonicalID(%q) = %q, want it as it is", id, got)
		}
	}
}

func TestComplete(t *testing.T) {
	whole := vector(t, "syft-rpc-send.request")
	if !Complete(whole) {
		t.Error("a whole request is not complete")
	}
	for n := range whole {
		if Complete(whole[:n]) {
			t.Fatalf("the first %d of %d bytes pass for complete", n, len(whole))
		}
	}
}

func FuzzDecodeRequest(f *testing.F) {
	for _, name := range []string{"syft-rpc-send.request", "syftbox-http-send.request"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{` + minimal + `,"created":1e9,"body":"+/8","headers":{"a":"\u2028<"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := DecodeRequest(data)
		if err != nil {
			return
		}
		if !Complete(data) {
			t.Fatal("decoded, but not complete")
		}
		if first.ID == "" {
			first.ID = "absent" // an empty id is refused
		}
		// What was read is written so that it is read the same again.
		encoded := AppendRequest(nil, first)
		second, err := DecodeRequest(encoded)
		if err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
		// A missing time is written as the zero time, which is as good as any.
		if again := AppendRequest(nil, second); string(again) != string(encoded) {
			t.Errorf("written %s, read and written again %s", encoded, again)
		}
	})
}
