package script

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRepeatedCallKeepsWhatIsNotChosen(t *testing.T) {
	first := &clientCall{
		mark: 7, cached: true, method: "PUT", url: "syft://a", endpoint: "a", expires: 5,
		headers: map[string]string{"h": "1", "i": "1"}, body: []byte("x"),
	}
	repeated := &clientCall{headers: map[string]string{"h": "2"}}
	repeated.repeat(first)
	want := *first
	want.headers = map[string]string{"h": "2", "i": "1"}
	if diff := cmp.Diff(&want, repeated, cmp.AllowUnexported(clientCall{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	repeated = &clientCall{method: "GET", url: "syft://b", endpoint: "b", expires: 9, body: []byte{}}
	repeated.repeat(first)
	if repeated.method != "GET" || repeated.url != "syft://b" || repeated.endpoint != "b" || repeated.expires != 9 || len(repeated.body) != 0 {
		t.Errorf("%+v", repeated)
	}
}

func TestAssignsRequestsToRepeatedCalls(t *testing.T) {
	newCall := func(body string) *clientCall {
		return &clientCall{url: "u", method: "POST", headers: map[string]string{"h": "1"}, body: []byte(body)}
	}
	first, again, other := newCall("hi"), newCall("hi"), newCall("ho")
	for _, step := range []struct {
		file, expires, body string
		want                [3]string // the requests of the calls
	}{
		{"a", "1", "aG8=", [3]string{"", "", "a"}},
		{"b", "1", "aGk=", [3]string{"b", "", "a"}},
		{"b", "1", "aGk=", [3]string{"b", "", "a"}},
		{"c", "1", "aGE=", [3]string{"b", "", "a"}},
		{"b", "2", "aGk=", [3]string{"b", "b", "a"}}, // a later request of the same name
	} {
		data := fmt.Appendf(nil, `{"url":"u","method":"POST","headers":{"H":"1","other":"2"},"body":%q,"expires":%q}`, step.body, step.expires)
		envelope, err := parseReply(data)
		if err != nil {
			t.Fatal(err)
		}
		assign([]*clientCall{first, again, other}, step.file, data, envelope)
		if got := [3]string{first.request, again.request, other.request}; got != step.want {
			t.Errorf("%+v: requests %q", step, got)
		}
	}
}
