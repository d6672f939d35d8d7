package syftevent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type address struct {
	City string `json:"city"`
	Zip  *int   `json:"zip"`
}

type base struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

type person struct {
	base
	Name    string            `json:"name"` // hides the embedded one
	Age     int               `json:"age,omitempty"`
	Home    address           `json:"home"`
	Tags    []string          `json:"tags,omitempty"`
	Scores  map[string]int    `json:"scores,omitzero"`
	Born    time.Time         `json:"born,omitzero"`
	Picture []byte            `json:"picture,omitempty"`
	Friends []*person         `json:"friends,omitempty"`
	Extra   json.RawMessage   `json:"extra,omitempty"`
	Any     any               `json:"any,omitempty"`
	Ratio   float64           `json:"ratio,omitempty"`
	Quoted  int               `json:"quoted,string,omitempty"`
	Hidden  string            `json:"-"`
	Labels  map[string]string `json:",omitempty"`
}

func compact(t *testing.T, data []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, data); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// testdata/rpc.schema.json was written by the Python package.
func TestSchemaMatchesPythonPackage(t *testing.T) {
	data, err := os.ReadFile("testdata/rpc.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var theirs map[string]json.RawMessage
	if err := json.Unmarshal(data, &theirs); err != nil {
		t.Fatal(err)
	}
	type Out struct {
		Name string `json:"name"`
		N    int    `json:"n"`
	}
	type nothing struct{}
	ours := map[string]Handler{
		"/echo":      Describe("Echo the body back.", answerWith("")),
		"/reqinfo":   answerWith(""),
		"/ret_model": Typed(func(context.Context, nothing) (Out, error) { return Out{}, nil }),
	}
	for endpoint, handler := range ours {
		got, err := json.Marshal(GenerateSchema(handler))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(compact(t, theirs[endpoint]), string(got)); diff != "" {
			t.Errorf("%s (-theirs +ours):\n%s", endpoint, diff)
		}
	}
}

func TestSchemaOfTypes(t *testing.T) {
	got, err := json.Marshal(GenerateSchema(Typed(func(context.Context, person) ([]address, error) { return nil, nil })))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"description":null,"args":{
		"id":{"type":"int","required":true},
		"name":{"type":"str","required":true},
		"age":{"type":"int","required":false},
		"home":{"type":{"type":"model","name":"address","schema":{"properties":{"city":{"title":"City","type":"string"},"zip":{"title":"Zip","type":"integer"}},"required":["city"],"title":"address","type":"object"}},"required":true},
		"tags":{"type":{"type":"array","items":"str"},"required":false},
		"scores":{"type":"dict","required":false},
		"born":{"type":"datetime","required":false},
		"picture":{"type":"bytes","required":false},
		"friends":{"type":{"type":"array","items":{"type":"model","name":"person","schema":SCHEMA}},"required":false},
		"extra":{"type":"any","required":false},
		"any":{"type":"any","required":false},
		"ratio":{"type":"float","required":false},
		"quoted":{"type":"str","required":false},
		"Labels":{"type":"dict","required":false}
	},"returns":{"type":"array","items":{"type":"model","name":"address","schema":ADDRESS}}}`
	address := compact(t, []byte(`{"properties":{"city":{"title":"City","type":"string"},"zip":{"title":"Zip","type":"integer"}},"required":["city"],"title":"address","type":"object"}`))
	person, err := json.Marshal(typeOf(reflect.TypeFor[person]()).jsonSchema(nil))
	if err != nil {
		t.Fatal(err)
	}
	want = strings.NewReplacer("SCHEMA", string(person), "ADDRESS", address).Replace(want)
	if diff := cmp.Diff(compact(t, []byte(want)), string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// A type within itself is only named, so that the schema is finite.
	if !strings.Contains(string(person), `"friends":{"items":{"title":"person","type":"object"}`) {
		t.Errorf("schema of a recursive type: %s", person)
	}
}

func TestValidate(t *testing.T) {
	schema := GenerateSchema(Typed(func(context.Context, person) (any, error) { return nil, nil }))
	const least = `"id":1,"name":"a","home":{"city":"x"}`
	for _, body := range []string{
		`{` + least + `}`,
		` {` + least + `,"age":7,"tags":["a"],"scores":{"a":1},"extra":{"x":[1]},"any":null,"ratio":1,"friends":[{` + least + `}]} `,
		`{` + least + `,"tags":null,"friends":[null],"home":{"city":"x","zip":null}}`,
	} {
		if err := schema.Validate([]byte(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
	tests := []struct{ body, field string }{
		{``, "body is empty"},
		{`{`, "not one JSON value"},
		{`{} {}`, "not one JSON value"},
		{`{` + least + `}}`, "not one JSON value"},
		{`{` + least + `}]`, "not one JSON value"},
		{`{` + least + `,"picture":"-_8="}`, `"picture" must be base64`},
		{`{` + least + `,"born":"soon"}`, `"born" must be of type datetime`},
		{`{` + least + `,"born":7}`, `"born" must be of type datetime`},
		{`[]`, "must be a JSON object"},
		{`{"name":"a","home":{"city":"x"}}`, `"id" is missing`},
		{`{` + least + `,"nick":"b"}`, `"nick" is unknown`},
		{`{"ID":1,"name":"a","home":{"city":"x"}}`, `"id" is missing`},
		{`{"id":"1","name":"a","home":{"city":"x"}}`, `"id" must be of type int`},
		{`{"id":1.5,"name":"a","home":{"city":"x"}}`, `"id" must be of type int`},
		{`{"id":null,"name":"a","home":{"city":"x"}}`, `"id" must not be null`},
		{`{"id":1,"name":"a","home":{}}`, `"home.city" is missing`},
		{`{"id":1,"name":"a","home":7}`, `"home" must be an object`},
		{`{` + least + `,"tags":["a",2]}`, `"tags[1]" must be of type str`},
		{`{` + least + `,"scores":{"a":"b"}}`, `"scores.a" must be of type int`},
		{`{` + least + `,"friends":[{}]}`, `"friends[0].id" is missing`},
	}
	for _, test := range tests {
		err := schema.Validate([]byte(test.body))
		var chosen *Error
		if !errors.As(err, &chosen) || chosen.StatusCode != 400 || !strings.Contains(chosen.Message, test.field) {
			t.Errorf("%s: error %v, want one with %s", test.body, err, test.field)
		}
	}
}

type left struct {
	Both  int
	Deep  int
	Named int `json:"tagged"`
}

type right struct {
	Both   int
	Tagged int `json:"tagged2"`
}

type inner struct{ Deep, Only string }

type recursive struct {
	*recursive
	left
	right
	*inner
	Deep float64
}

// The schema has the fields that encoding/json has, even if fields of embedded structs
// hide or cancel each other.
func TestSchemaFieldsMatchEncodingJSON(t *testing.T) {
	var names []string
	for _, arg := range typeOf(reflect.TypeFor[recursive]()).Fields() {
		names = append(names, arg.Name)
	}
	data, err := json.Marshal(recursive{inner: &inner{}})
	if err != nil {
		t.Fatal(err)
	}
	var written map[string]any
	if err := json.Unmarshal(data, &written); err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(written)), names); diff != "" {
		t.Errorf("(-encoding/json +schema):\n%s", diff)
	}
}

// encoding/json applies the option "string" to scalars only: other types keep their schema.
func TestSchemaOfStringOption(t *testing.T) {
	type quoted struct {
		N      int       `json:"n,string"`
		Ratio  *float64  `json:"ratio,string"`
		At     time.Time `json:"at,string"`
		Names  []string  `json:"names,string"`
		Hyphen bool      `json:"-,"`
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	body := mustJSON(t, quoted{N: 1, Ratio: new(float64), At: at, Names: []string{"a"}})
	schema := GenerateSchema(Typed(func(context.Context, quoted) (any, error) { return nil, nil }))
	if err := schema.Validate(body); err != nil {
		t.Errorf("%s: %v", body, err)
	}
	got := map[string]string{}
	for _, field := range schema.Args {
		got[field.Name] = field.Type.Name
	}
	want := map[string]string{"n": "str", "ratio": "str", "at": "datetime", "names": "array", "-": "bool"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
}

// A model's time has a format, in arguments and in results.
func TestSchemaOfTimes(t *testing.T) {
	type meeting struct {
		At   time.Time  `json:"at"`
		Ends *time.Time `json:"ends"`
	}
	data := mustJSON(t, GenerateSchema(Typed(func(context.Context, []meeting) (meeting, error) { return meeting{}, nil })))
	const model = `{"type":"model","name":"meeting","schema":{"properties":{` +
		`"at":{"format":"date-time","title":"At","type":"string"},"ends":{"format":"date-time","title":"Ends","type":"string"}},` +
		`"required":["at"],"title":"meeting","type":"object"}}`
	want := `{"description":null,"args":{"body":{"type":{"type":"array","items":` + model + `},"required":false}},"returns":` + model + `}`
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTypesWithOwnUnmarshalers(t *testing.T) {
	type numbers struct {
		Big  *big.Int   `json:"big"`
		Addr netip.Addr `json:"addr"`
	}
	schema := GenerateSchema(Typed(func(context.Context, numbers) (any, error) { return nil, nil }))
	for body, ok := range map[string]bool{
		`{"big":12345678901234567890,"addr":"127.0.0.1"}`: true,
		`{"addr":"::1"}`:     true,
		`{"addr":"nowhere"}`: false,
		`{"addr":7}`:         false,
	} {
		if err := schema.Validate([]byte(body)); (err == nil) != ok {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestTyped(t *testing.T) {
	type args struct {
		A int8 `json:"a"`
		B int8 `json:"b"`
	}
	router := NewRouter()
	router.Handle("/add", Typed(func(ctx context.Context, in args) (map[string]any, error) {
		return map[string]any{"sum": int(in.A) + int(in.B), "from": RequestFrom(ctx).Headers.Get("x-from")}, nil
	}))
	router.Handle("/nothing", Typed(func(context.Context, struct{}) (string, error) { return "ok", nil }))
	router.Handle("/list", Typed(func(_ context.Context, in []int) (int, error) { return len(in), nil }))
	router.Handle("/refuse", Typed(func(context.Context, struct{}) (*int, error) { return nil, Errorf(409, "busy") }))
	tests := []struct {
		endpoint string
		body     any
		status   int
		want     string
	}{
		{"/add", args{2, 3}, 200, `{"from":"test","sum":5}`},
		{"/add", `{"a":2}`, 400, `"b" is missing`},
		{"/add", `{"a":2,"b":300}`, 400, `field "b" does not fit`},
		{"/nothing", nil, 200, `"ok"`},
		{"/nothing", `{"x":1}`, 400, `"x" is unknown`},
		{"/list", []int{1, 2}, 200, "2"},
		{"/list", `{"a":1}`, 400, `"body" must be of type array`},
		{"/refuse", nil, 409, "busy"},
	}
	for _, test := range tests {
		req, err := NewRequest("POST", "syft://bob@example.com/app_data/app/rpc"+test.endpoint, test.body)
		if err != nil {
			t.Fatal(err)
		}
		req.Headers.Set("X-From", "test")
		response, err := router.ServeSyft(context.Background(), req)
		var chosen *Error
		if errors.As(err, &chosen) {
			response, err = Text(chosen.StatusCode, chosen.Message), nil
		}
		if err != nil || response.StatusCode != test.status || !strings.Contains(string(response.Body), test.want) {
			t.Errorf("%s %v: %+v, %v; want %d %s", test.endpoint, test.body, response, err, test.status, test.want)
		}
	}
	if RequestFrom(context.Background()) != nil {
		t.Error("a context without a request has one")
	}
}

func TestTypedBindsTheURL(t *testing.T) {
	type in struct {
		User  string     `path:"user"`
		Limit int        `query:"limit"`
		After *time.Time `query:"after"`
		Tags  []string   `query:"tag"`
		Key   string     `query:"key,required"`
		Note  string     `json:"note,omitempty"`
	}
	var got in
	router := NewRouter()
	router.Handle("POST /users/{user}", Typed(func(_ context.Context, in in) (struct{}, error) { got = in; return struct{}{}, nil }))
	call := func(query, body string) (*Response, error) {
		t.Helper()
		req, err := NewRequest("POST", "syft://bob@example.com/app_data/a/rpc/users/al?"+query, body)
		if err != nil {
			t.Fatal(err)
		}
		return Respond(context.Background(), router, req)
	}
	after := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if response, err := call("limit=3&after=2026-01-02T03:04:05Z&tag=a&tag=b%20c&key=k", `{"note":"n"}`); err != nil || response.StatusCode != 200 {
		t.Fatalf("%v, %v", response, err)
	}
	want := in{User: "al", Limit: 3, After: &after, Tags: []string{"a", "b c"}, Key: "k", Note: "n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if response, _ := call("key=k", ""); response.StatusCode != 400 {
		t.Errorf("without a body: %d", response.StatusCode)
	}
	for query, want := range map[string]string{
		"limit=3":         `query parameter "key" is missing`,
		"key=k&limit=x":   `query parameter "limit": "x" must be of type int`,
		"key=k&after=now": `query parameter "after": "now" must be of type datetime`,
		"key=%zz":         `query: invalid URL escape "%zz"`,
	} {
		if response, _ := call(query, "{}"); response.StatusCode != 400 || response.Text() != textInvalidBody+want {
			t.Errorf("%s: %d %q, want %q", query, response.StatusCode, response.Text(), want)
		}
	}
	if response, _ := call("key=k", `{"User":"eve"}`); response.StatusCode != 400 {
		t.Errorf("body sets a bound field: %d", response.StatusCode)
	}
	data, err := json.Marshal(router.Routes()[0].Schema)
	if err != nil {
		t.Fatal(err)
	}
	wantSchema := `{"description":null,"args":{"note":{"type":"str","required":false}},"returns":` + string(mustJSON(t, typeOf(reflect.TypeFor[struct{}]()))) +
		`,"path":{"user":{"type":"str","required":true}},"query":{"limit":{"type":"int","required":false},"after":{"type":"datetime","required":false},` +
		`"tag":{"type":{"type":"array","items":"str"},"required":false},"key":{"type":"str","required":true}},"method":"POST"}`
	if diff := cmp.Diff(wantSchema, string(data)); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Fields of an embedded struct are bound as those of the struct itself, and so are not read
// from the body.
func TestTypedBindsFieldsOfEmbeddedStructs(t *testing.T) {
	type Page struct {
		Limit int `query:"limit"`
	}
	type in struct {
		Page
		Note string `json:"note"`
	}
	var got in
	handler := Typed(func(_ context.Context, in in) (int, error) { got = in; return 0, nil })
	for body, want := range map[string]int{`{"note":"n"}`: 200, `{"note":"n","Limit":4}`: 400} {
		req, err := NewRequest("POST", "syft://bob@example.com/app_data/a/rpc/list?limit=3", body)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := Respond(context.Background(), handler, req); response.StatusCode != want {
			t.Errorf("%s: status %d (%v), want %d", body, response.StatusCode, err, want)
		}
	}
	if want := (in{Page{3}, "n"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTypedRefusesFieldsItCannotBind(t *testing.T) {
	type Bound struct {
		ID string `path:"id"`
	}
	type aMap struct {
		M map[string]string `path:"m"`
	}
	type embedsPointer struct{ *Bound }
	for what, register := range map[string]func(){
		"a map":                        func() { Typed(func(context.Context, aMap) (int, error) { return 0, nil }) },
		"a struct embedded by pointer": func() { Typed(func(context.Context, embedsPointer) (int, error) { return 0, nil }) },
		"a pointer to a struct":        func() { Typed(func(context.Context, *Bound) (int, error) { return 0, nil }) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was bound to the path", what)
				}
			}()
			register()
		}()
	}
}

func TestTypedReplyChoosesStatusAndHeaders(t *testing.T) {
	type item struct {
		N int `json:"n"`
	}
	create := func(reply Reply[item]) Handler {
		return Typed(func(context.Context, struct{}) (Reply[item], error) { return reply, nil })
	}
	plain := Typed(func(context.Context, struct{}) (item, error) { return item{}, nil })
	if got, want := mustJSON(t, GenerateSchema(create(Reply[item]{}))), mustJSON(t, GenerateSchema(plain)); string(got) != string(want) {
		t.Errorf("schema %s, want %s", got, want)
	}
	for _, test := range []struct {
		reply Reply[item]
		want  *Response
	}{
		{Reply[item]{Value: item{1}}, &Response{StatusCode: 200, Headers: Headers{"Content-Type": jsonContentType}, Body: []byte(`{"n":1}`)}},
		{
			Reply[item]{StatusCode: 201, Headers: Headers{"Location": "/items/1"}, Value: item{1}},
			&Response{StatusCode: 201, Headers: Headers{"Content-Type": jsonContentType, "Location": "/items/1"}, Body: []byte(`{"n":1}`)},
		},
		{Reply[item]{StatusCode: 204}, &Response{StatusCode: 204}},
	} {
		got, err := Respond(context.Background(), create(test.reply), &Request{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestWithRequest(t *testing.T) {
	req := &Request{Sender: "alice@example.com"}
	if got := RequestFrom(WithRequest(context.Background(), req)); got != req {
		t.Errorf("request %v", got)
	}
}
