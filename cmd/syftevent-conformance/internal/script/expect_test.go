package script

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

const answered = `{"id":"1","sender":"s@example.com","url":"u","body":%s,"headers":{"X-A":"1"},` +
	`"created":"2026-01-01T00:00:00+00:00","expires":"2026-01-01T00:00:00Z","status_code":404}`

// Each check holds for one reply and not for another: a check that cannot fail
// proves nothing.
func TestChecksCanFail(t *testing.T) {
	call := &boxscript.Call{Data: []byte(`{"body":"aGk="}`)}
	hi, null := fmt.Sprintf(answered, `"aGk="`), fmt.Sprintf(answered, "null")
	now := func(reply string) string {
		return strings.Replace(reply, "2026-01-01T00:00:00+00:00", time.Now().Format(time.RFC3339), 1)
	}
	tests := []struct {
		check, reply string
		args         []string
		want         bool
	}{
		{"status", hi, []string{"404"}, true},
		{"status", hi, []string{"4xx"}, true},
		{"status", hi, []string{"200|4xx"}, true},
		{"status", hi, []string{"200"}, false},
		{"status", hi, []string{"5xx"}, false},
		{"status", `{"status_code":"404"}`, []string{"404"}, false},
		{"status", `{}`, []string{"4xx"}, false},
		{"body", hi, []string{"hi"}, true},
		{"body", hi, []string{"sent"}, true},
		{"body", hi, []string{"ho"}, false},
		{"body", hi, []string{"null"}, false},
		{"body", null, []string{"null"}, true},
		{"body", null, []string{""}, false},
		{"body", null, []string{"sent"}, false},
		{"body", `{"body":"!"}`, []string{"sent"}, false},
		{"contains", hi, []string{"i"}, true},
		{"contains", hi, []string{"X-A: 1"}, true},
		{"contains", hi, []string{"x"}, false},
		{"header", hi, []string{"x-a", "1"}, true},
		{"header", hi, []string{"x-a", "2"}, false},
		{"header", hi, []string{"x-b", "1"}, false},
		{"field", hi, []string{"id", "1"}, true},
		{"field", hi, []string{"id", "2"}, false},
		{"header", hi, []string{"x-a", "1*"}, true},
		{"header", hi, []string{"x-a", "2*"}, false},
		{"time", hi, []string{"created", "2026-01-01T05:30:00+05:30"}, true},
		{"time", hi, []string{"created", "2026-01-01T00:00:01Z"}, false},
		{"time", hi, []string{"id", "2026-01-01T00:00:00Z"}, false},
		{"time", hi, []string{"created", "soon"}, false},
		{"json", `{"body":"eyJhIjoxfQ=="}`, []string{"a", "1"}, true},
		{"json", `{"body":"eyJhIjoxfQ=="}`, []string{"a", "2"}, false},
		{"field", `{}`, []string{"id", ""}, false},
		{"json", `{"body":"eyJhIjoxfQ=="}`, []string{"b", ""}, false},
		{"json", hi, []string{"a", "1"}, false},
		{"envelope", now(hi), nil, true},
		{"envelope", now(null), nil, true},
		{"envelope", hi, nil, false},
		{"envelope", `{}`, nil, false},
		{"envelope", now(fmt.Sprintf(answered, `7`)), nil, false},
		{"base64", hi, nil, true},
		{"base64", `{"body":"-_8="}`, nil, true},
		{"base64", `{"body":"+/8="}`, nil, false},
		{"base64", `{"body":"-_8"}`, nil, false},
		{"base64", null, nil, false},
	}
	tried := map[string]bool{}
	for _, test := range tests {
		got, err := parseReply([]byte(test.reply))
		if err != nil {
			t.Fatal(err)
		}
		expected, actual, ok := checks[test.check].run(call, got, test.args)
		if ok != test.want {
			t.Errorf("%s %v of %s: %v (expected %s, actual %s)", test.check, test.args, test.reply, ok, expected, actual)
		}
		tried[fmt.Sprint(test.check, ok)] = true
	}
	for name := range checks {
		if !tried[name+"true"] || !tried[name+"false"] {
			t.Errorf("check %s was not seen both to hold and to fail", name)
		}
	}
}

func TestParseReplyRefuses(t *testing.T) {
	for _, data := range []string{"", "null", "[]", `{"a"`} {
		if _, err := parseReply([]byte(data)); err == nil {
			t.Errorf("%q is taken for a response", data)
		}
	}
}
