package wire

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hostile contains malformed and unusual files, each small enough as a seed for fuzzing.
var hostile = []string{
	``, ` `, `{`, `}`, `{}`, `[`, `[]`, `null`, `nul`, `0`, `-`, `"`, `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{]`, `[}`, `{} {}`, `{}x`, "{}\x00", "\x00",
	"\ufeff{}", "{\"a\":\"\x00\"}", "{\"a\":\"\t\"}", "{\"a\":\"\x7f\"}", "{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}",
	`{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":1e+}`, `{"a":+1}`, `{"a":-0.0e-0}`, `{"a":--1}`, `{"a":truE}`, `{"a":[1,]}`, `{"a":[,1]}`, `{"a" 1}`, `{a:1}`, `{'a':1}`, `{"a":1 "b":2}`,
	`{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12G4"}`, `{"a":"\`, `{"a":"\u`, `{"a":"\ud83d`, `{"a":"\ud83d\`, `{"a":"\ud83d\u`, `{"a":"\ud83d\ude`,
	`{"a":"\ud83d\ude00"}`, `{"a":"\ud83d\\ude00"}`, `{"a":"\ud83dx\ude00"}`, `{"a":"\ud83d\n"}`, `{"a":"\ud83d\ud83d\ude00"}`, `{"a":"\ude00"}`, `{"a":"\ud83d","b":"\ude00"}`, `{"\ud83d":1}`, `{"a":"\ud83d\x"}`,
	`{"s\u0065nder":"a@example.com","\u0075\u0072\u006c":"u"}`, `{"sender\u0000":"a@example.com","url":"u"}`, `{"sender":"\u0000","url":"\u0000"}`,
	`{` + minimal + `,"sender":1,"sender":"z@example.com"}`, `{` + minimal + `,"sender":"z","sender":1}`, `{` + minimal + `,"body":1,"body":null}`,
	`{` + minimal + `,"headers":{"a":null,"a":"1"}}`, `{` + minimal + `,"headers":{"a":"1","a":null}}`, `{` + minimal + `,"headers":{"a":1,"a":"1"}}`, `{` + minimal + `,"headers":{"a":{"b":"c"}}}`, `{` + minimal + `,"headers":[]}`,
	`{` + minimal + `,"headers":{"\u0061":"1","a":"2"},"headers":{"b":"\"\\\/\b\f\n\r\t\u2028"}}`,
	`{` + minimal + `,"body":"\u002b\/8="}`, `{` + minimal + `,"body":"\u002b_8="}`, `{` + minimal + `,"body":"aGk\n"}`, `{` + minimal + `,"body":"aGk\u000a="}`, `{` + minimal + `,"body":"\u0061Gk=\u003d"}`, `{` + minimal + `,"body":"aGk=aGk="}`, `{` + minimal + `,"body":"aG\u006b=aGk="}`, `{` + minimal + `,"body":"=\u003d"}`, `{` + minimal + `,"body":"\u00e9aa"}`,
	`{` + minimal + `,"created":1e400}`, `{` + minimal + `,"created":5e-324000}`, `{` + minimal + `,"created":-1e9999999999}`, `{` + minimal + `,"created":"0x1p-2"}`, `{` + minimal + `,"created":"\u0030"}`, `{` + minimal + `,"created":[]}`, `{` + minimal + `,"created":"0001-01-01T00:00:00Z"}`, `{` + minimal + `,"created":"0001-01-01T05:00:00+05:00"}`, `{` + minimal + `,"created":-62135596800}`,
	`{` + minimal + `,"status_code":"20\u0030"}`, `{` + minimal + `,"status_code":"\"200"}`, `{` + minimal + `,"status_code":99999999999999999999}`, `{` + minimal + `,"status_code":null}`, `{` + minimal + `,"status_code":"+7"}`,
}

// compare checks that both decoders return the same results for data.
func compare(t *testing.T, data []byte) {
	t.Helper()
	if got, want := Complete(data), json.Valid(data); got != want {
		t.Errorf("Complete(%q) = %v, want %v", data, got, want)
	}
	request, err := DecodeRequest(data)
	wantRequest, wantErr := jsonDecodeRequest(data)
	same(t, data, request, wantRequest, err, wantErr)
	response, err := DecodeResponse(data)
	wantResponse, wantErr := jsonDecodeResponse(data)
	same(t, data, response, wantResponse, err, wantErr)
}

func same(t *testing.T, data []byte, got, want any, err, wantErr error) {
	t.Helper()
	text := func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()
	}
	if strings.Contains(text(err), "more than") {
		return // only DecodeRequest and DecodeResponse have limits
	}
	if text(err) != text(wantErr) {
		t.Errorf("%q: error %q, want %q", data, text(err), text(wantErr))
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q (-want +got):\n%s", data, diff)
	}
}

func TestDecodesLikeEncodingJSON(t *testing.T) {
	for _, text := range hostile {
		compare(t, []byte(text))
	}
	for _, name := range []string{"syft-rpc-send.request", "syftbox-http-send.request", "syft-event-reply.response"} {
		data := vector(t, name)
		for n := range data {
			compare(t, data[:n])
		}
		compare(t, data)
	}
}

func FuzzDecodesLikeEncodingJSON(f *testing.F) {
	for _, name := range []string{"syft-rpc-send.request", "syftbox-http-send.request", "syft-event-reply.response"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range hostile {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4*maxNumber {
			data = data[:4*maxNumber] // keep times and statuses below their limit
		}
		compare(t, data)
	})
}
