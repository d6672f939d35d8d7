package script

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/vector"
)

// received is a vector with a response.
func received(t *testing.T, expect vector.Expectation, response string) *sentVector {
	t.Helper()
	s := &sentVector{Vector: vector.Vector{Name: "v", Requirement: "proc-faithful", Expect: expect}, data: []byte(response)}
	s.reply, _ = parseReply(s.data)
	return s
}

func TestVectorsDiffer(t *testing.T) {
	inspected := base64.URLEncoding.EncodeToString([]byte(`{"id":"AB","sender":"a@b.c","method":"PUT","url":"u","headers":{"H":"1"},"body_base64":"/w=="}`))
	response := `{"id":"3D060E39-29F2-4A2B-9780-7E1480CA8F05","url":"syft://x","expires":"2099-01-01T00:00:00Z","status_code":200,"headers":{"X-Echo-H":"1"},"body":"` + inspected + `"}`
	text := func(s string) *string { return &s }
	body := func(s string) vector.Body { return vector.BodyOf(vector.Split([]byte(s))) }
	seen := func(s vector.Seen) vector.Expectation { return vector.Expectation{Seen: &s} }
	for _, each := range []struct {
		want    vector.Expectation
		differs string // a part of what is expected, "" for no difference
	}{
		{vector.Expectation{}, ""},
		{vector.Expectation{Status: []int{200, 404}}, ""},
		{vector.Expectation{Status: []int{400, 404}}, "status 400 or 404"},
		{vector.Expectation{ID: "3d060e3929f24a2b97807e1480ca8f05"}, ""},
		{vector.Expectation{ID: "3d060e3929f24a2b97807e1480ca8f06"}, "id"},
		{vector.Expectation{URL: "syft://x"}, ""},
		{vector.Expectation{URL: "syft://X"}, `url "syft://X"`},
		{vector.Expectation{Expires: "2099-01-01T01:00:00+01:00"}, ""},
		{vector.Expectation{Expires: "2099-01-01T01:00:00Z"}, "expires"},
		{vector.Expectation{Headers: map[string]string{"x-echo-h": "1"}}, ""},
		{vector.Expectation{Headers: map[string]string{"x-echo-h": "2"}}, `header x-echo-h: "2"`},
		{vector.Expectation{Headers: map[string]string{"x-echo-i": ""}}, "header x-echo-i"},
		{vector.Expectation{Encoded: text(inspected)}, ""},
		{vector.Expectation{Encoded: text("eA==")}, `body "eA=="`},
		{vector.Expectation{Body: body("x")}, `body "x"`},
		{vector.Expectation{Body: vector.NoBody}, "no body"},
		{seen(vector.Seen{ID: "AB", Sender: "a@b.c", Method: "PUT", URL: "u", Headers: map[string]*string{"h": text("1"), "i": nil}, Body: body("\xff")}), ""},
		{seen(vector.Seen{ID: "ab"}), "receives id"},
		{seen(vector.Seen{Sender: "A@b.c"}), "receives sender"},
		{seen(vector.Seen{Method: "POST"}), "receives method"},
		{seen(vector.Seen{URL: "v"}), "receives url"},
		{seen(vector.Seen{Headers: map[string]*string{"h": text("")}}), "receives header h"},
		{seen(vector.Seen{Headers: map[string]*string{"h": nil}}), "receives no header h"},
		{seen(vector.Seen{Body: body("\xfe")}), "receives body"},
		{seen(vector.Seen{Body: vector.NoBody}), "receives no body"},
	} {
		if each.want.Status == nil {
			each.want.Status = []int{200}
		}
		d := received(t, each.want, response).compare()
		if each.differs == "" && d != nil || each.differs != "" && (len(d) != 1 || !strings.Contains(d[0].expected, each.differs)) {
			t.Errorf("%+v: %+v, want %q", each.want, d, each.differs)
		}
	}
}

func TestVectorWithoutUsableResponseDiffers(t *testing.T) {
	want := vector.Expectation{Status: []int{200}}
	missing := received(t, want, "")
	missing.data = nil
	for name, s := range map[string]*sentVector{"missing": missing, "array": received(t, want, "[]"), "text": received(t, want, "{")} {
		if s.compare() == nil {
			t.Errorf("%s: no difference", name)
		}
	}
	missing.Expect = vector.Expectation{}
	if d := missing.compare(); d != nil {
		t.Errorf("a response that is not expected is missing: %+v", d)
	}
}

func TestVectorsCountRuns(t *testing.T) {
	never, once := 0, 1
	a := &sentVector{Vector: vector.Vector{Name: "a", Requirement: "proc-faithful", Expect: vector.Expectation{Runs: &once}}, delivered: delivered{stem: "a"}}
	b := &sentVector{Vector: vector.Vector{Name: "b", Requirement: "identity-id", Expect: vector.Expectation{Runs: &never}}, delivered: delivered{stem: "b"}, claimed: "other"}
	others := countRuns([]*sentVector{a, b}, map[string]int{"a": 1, "before": 1}, map[string]int{"a": 2, "before": 1, "other": 1, "stray": 1})
	if diff := cmp.Diff([]string{"stray"}, others); diff != "" || a.runs != 1 || b.runs != 1 {
		t.Errorf("%s, %d, %d", diff, a.runs, b.runs)
	}
	v := &vectorRunner{}
	if err := v.judgeVectors("x", []*sentVector{a}, nil); err != nil {
		t.Error(err)
	}
	err := v.judgeVectors("x", []*sentVector{a, b}, nil)
	if err == nil || !strings.Contains(err.Error(), "b [identity-id]: it is run never") || !strings.Contains(err.Error(), "it was run once") {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff([]string{"identity-id"}, v.violated); diff != "" {
		t.Errorf("violated (-want +got):\n%s", diff)
	}
	if err := v.judgeVectors("x", []*sentVector{a}, others); err == nil || !strings.Contains(err.Error(), "stray") {
		t.Error(err)
	}
}
