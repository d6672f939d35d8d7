package vector

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const valid = `{"format":1,"summary":"x","vectors":[
{"name":"a","requirement":"proc-faithful","endpoint":"inspect","sender":"a@b.c","stem":["s",{"base64":"/w=="},{"text":"t","times":3}],"delivery":"websocket","request":"{}","expect":{"status":[200],"seen":{"headers":{"h":"1","i":null},"body":null}}},
{"name":"b","requirement":"publish-faithful","endpoint":"record","sender":"a@b.c","stem":"t","request":"","expect":{"runs":0}}]}`

func TestParse(t *testing.T) {
	file, err := Parse([]byte(valid))
	if err != nil {
		t.Fatal(err)
	}
	a, b := file.Vectors[0], file.Vectors[1]
	if got := string(a.Stem.Bytes()); got != "s\xffttt" {
		t.Errorf("stem %q", got)
	}
	seen := a.Expect.Seen
	if !seen.Body.Stated || !seen.Body.None || *seen.Headers["h"] != "1" || seen.Headers["i"] != nil || len(seen.Headers) != 2 {
		t.Errorf("%+v", seen)
	}
	if len(b.Request.Bytes()) != 0 || b.Expect.Answered() || *b.Expect.Runs != 0 {
		t.Errorf("%+v", b)
	}
	if diff := cmp.Diff([]string{"proc-faithful", "publish-faithful"}, file.Requirements()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseRefusesInvalidFiles(t *testing.T) {
	for _, each := range []struct{ old, new, want string }{
		{`"format":1`, `"format":2`, "format is 2"},
		{`"summary":"x"`, `"summary":""`, "summary"},
		{`"summary"`, `"title"`, `unknown field "title"`},
		{`]}`, `]} {}`, "more than one JSON value"},
		{`"name":"b"`, `"name":"a"`, "exists twice"},
		{`"name":"b"`, `"name":"B c"`, "name must be"},
		{`"requirement":"publish-faithful"`, `"requirement":"no-such"`, `no requirement "no-such"`},
		{`"requirement":"publish-faithful"`, `"requirement":"fail-text"`, "fail-text is a SHOULD"},
		{`"requirement":"publish-faithful"`, `"requirement":"cleanup-order"`, "class cleanup"},
		{`"endpoint":"record"`, `"endpoint":""`, "must not be empty"},
		{`"endpoint":"record"`, `"endpoint":"echo"`, "counts runs"},
		{`"endpoint":"inspect"`, `"endpoint":"echo"`, "reports what it has seen"},
		{`"stem":"t"`, `"stem":""`, "must not be empty"},
		{`"endpoint":"record","sender":"a@b.c","stem":"t","request":"","expect":{"runs":0}`, `"endpoint":"inspect","sender":"a@b.c","stem":["s",{"base64":"/w=="},"ttt"],"request":"","expect":{}`, "those of another vector"},
		{`"delivery":"websocket"`, `"delivery":"pigeon"`, "pigeon"},
		{`"request":"",`, ``, "no request"},
		{`"request":""`, `"request":"{now}"`, "placeholder {now}"},
		{`"request":""`, `"request":"{now-1h+99:00}"`, "placeholder {now-1h+99:00}"},
		{`"request":""`, `"request":7`, "cannot unmarshal number"},
		{`"status":[200],`, ``, "no status"},
		{`"base64":"/w=="`, `"base64":"%"`, "illegal base64"},
		{`"base64":"/w=="`, `"base64":"/w==","text":"x"`, "either"},
		{`"times":3`, `"times":0`, `"times" is 0`},
		{`"times":3`, `"times":3000001`, `"times" is 3000001`},
		{`"times":3`, `"times":3000000`, "more than 3000000 bytes"},
	} {
		text := strings.Replace(valid, each.old, each.new, 1)
		if each.old == "]}" {
			text = valid + " {}"
		}
		if text == valid {
			t.Errorf("%s: not in the file", each.old)
		}
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), each.want) {
			t.Errorf("%s: error %v, want %q", each.new, err, each.want)
		}
	}
}

func TestFill(t *testing.T) {
	v := Vector{Request: Join(Text(`{"url":"syft://{server}/app_data/{app}/","a":"{x}{now-1h}`), Repeated("{app}", 2))}
	v.Expect.URL = "syft://{server}"
	v.Expect.Seen = &Seen{URL: "{app}"}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	got := Fill(v, Values{Server: "bob@example.com", App: "greeter", Now: now})
	want := `{"url":"syft://bob@example.com/app_data/greeter/","a":"{x}2026-01-02T01:04:05greetergreeter`
	if request := string(got.Request.Bytes()); request != want || got.Expect.URL != "syft://bob@example.com" || got.Expect.Seen.URL != "greeter" {
		t.Errorf("%s, %+v, %+v", request, got.Expect, got.Expect.Seen)
	}
	if v.Expect.Seen.URL != "{app}" || !strings.Contains(string(v.Request.Bytes()), "{server}") {
		t.Error("the original was changed")
	}
	for text, want := range map[string]string{
		"{now+10mZ}": "2026-01-02T02:14:05Z", "{now-1h+14:00}": "2026-01-02T15:04:05+14:00", "{now+30s-05:30}": "2026-01-01T20:34:35-05:30",
	} {
		if got, err := (Values{Now: now}).fill(text); got != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, text := range []string{"", "a", "ä\ufffd", "\xff", "a\xff\xfeä\xc3", "\xed\xa0\x80x"} {
		c := Split([]byte(text))
		if got := string(c.Bytes()); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
		data, err := c.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var again Content
		if err := again.UnmarshalJSON(data); err != nil || string(again.Bytes()) != text {
			t.Errorf("%q is encoded as %s, and decoded as %q, %v", text, data, again.Bytes(), err)
		}
	}
}

func TestSplitKeepsTexts(t *testing.T) {
	data, err := Split([]byte("a\xff\xfeä\xc3")).MarshalJSON()
	if want := `["a",{"base64":"//4="},"ä",{"base64":"ww=="}]`; err != nil || string(data) != want {
		t.Errorf("%s, %v, want %s", data, err, want)
	}
}
