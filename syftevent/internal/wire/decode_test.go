package wire

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecodesRequestOfPythonPackage(t *testing.T) {
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

func TestDecodesRequestOfGateway(t *testing.T) {
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
		t.Errorf("created %v, want %v (nanoseconds truncated, not rounded)", got.Created, want)
	}
}

func TestDecodesRequestLeniently(t *testing.T) {
	tests := []struct {
		name, json string
		check      func(*Request) bool
	}{
		{"absent fields", `{` + minimal + `}`, func(r *Request) bool {
			return r.ID == "" && r.Method == "GET" && r.Body == nil && r.Headers != nil && r.Created.IsZero() && r.Expires.IsZero()
		}},
		{"surrounding white space", " \n\t{" + minimal + "}\r\n ", func(r *Request) bool { return r.Sender == "a@example.com" }},
		{"unknown field", `{` + minimal + `,"future":[1,{"a":2}]}`, func(r *Request) bool { return true }},
		{"last duplicate wins", `{"sender":"z@example.com",` + minimal + `}`, func(r *Request) bool { return r.Sender == "a@example.com" }},
		{"field names are case-sensitive", `{` + minimal + `,"Sender":"z@example.com","METHOD":"POST"}`, func(r *Request) bool {
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

func TestRejectsInvalidRequest(t *testing.T) {
	tests := []struct{ name, json, field string }{
		{"empty file", "", ""},
		{"truncated file", `{"sender":"a@exam`, ""},
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
				t.Errorf("error %q names field %q, want %q", err, field, test.field)
			}
		})
	}
}

// A sender who creates a symbolic link must not learn the content of its target.
func TestDecodeErrorsDoNotQuoteContent(t *testing.T) {
	for _, data := range []string{`SECRET`, `{"sender":"SECRET"}`, `{` + minimal + `,"body":"SECRET!"}`, `{"SECRET`, `{` + minimal + `,"method":"SECRET"}`} {
		_, err := DecodeRequest([]byte(data))
		if err == nil || strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "'S'") {
			t.Errorf("%s: error %v", data, err)
		}
	}
}

func TestDecodesResponseStatus(t *testing.T) {
	for given, want := range map[string]int{``: 200, `,"status_code":404`: 404, `,"status_code":"201"`: 201} {
		r, err := DecodeResponse([]byte(`{` + minimal + given + `}`))
		if err != nil || r.StatusCode != want {
			t.Errorf("%s: %v, %v; want %d", given, r, err, want)
		}
	}
	if _, err := DecodeResponse([]byte(`{` + minimal + `,"status_code":200.5}`)); err == nil {
		t.Error("status 200.5: no error")
	}
}

func TestCompleteRejectsPrefixes(t *testing.T) {
	whole := vector(t, "syft-rpc-send.request")
	if !Complete(whole) {
		t.Error("complete request: Complete = false")
	}
	for n := range whole {
		if Complete(whole[:n]) {
			t.Fatalf("first %d of %d bytes: Complete = true", n, len(whole))
		}
	}
}
