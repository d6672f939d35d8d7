package mutant

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// A call is what a handler receives.
type call struct {
	*request
	values map[string]string // path values by wildcard
}

type handler func(call) (reply, error)

// An application is the conformance application of SPEC.md, Appendix A.
type application struct {
	defect
	recordPath string
}

func (a application) routes(extraEndpoints int, encryption bool) []route {
	routes := []route{
		{"", "echo", echo},
		{"", "fail", func(call) (reply, error) { return reply{}, errors.New("conformance-secret") }},
		{"", "inspect", inspect},
		{"", "record", a.record},
		{"", "slow", a.slow},
		{"", "sum", a.sum},
		{"", "status", a.status},
		{"", "empty", func(call) (reply, error) { return reply{status: 200}, nil }},
		{"", "items/{id}", pathValue("id")},
		{"", "items/first", func(call) (reply, error) { return object(map[string]any{"id": "the first"}) }},
		{"", "users/{email}/profile", pathValue("email")},
		{"", "api/**", pathValue("**")},
		{"", "nested", text("outer")},
		{"", "nested/inner", text("inner")},
		{"GET", "get-only", text("got")},
	}
	if encryption {
		for _, r := range routes[:4] {
			routes = append(routes, route{"", encryptedPrefix + r.pattern, r.handler})
		}
	}
	for n := range extraEndpoints {
		routes = append(routes, route{"", fmt.Sprintf("extra%d", n), echo})
	}
	return routes
}

func echo(c call) (reply, error) {
	headers := map[string]string{}
	for name, value := range c.headers {
		headers["x-echo-"+name] = value
	}
	return reply{status: 200, headers: headers, body: c.body}, nil
}

func inspect(c call) (reply, error) {
	seen := map[string]any{
		"id": c.id, "sender": c.sender, "method": c.method, "url": c.url, "headers": c.headers,
		"body_text": nil, "body_base64": nil,
	}
	if c.body != nil {
		seen["body_text"] = string(c.body)
		seen["body_base64"] = base64.StdEncoding.EncodeToString(c.body)
	}
	return object(seen)
}

func (a application) record(c call) (reply, error) {
	if err := a.appendRecord(c); err != nil {
		return reply{}, err
	}
	return text("recorded")(c)
}

// appendRecord records that a request runs.
func (a application) appendRecord(c call) error {
	f, err := os.OpenFile(a.recordPath, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("append to record: %w", err)
	}
	// A single write keeps the lines of concurrent handlers apart.
	_, err = f.WriteString(c.id + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("append to record: %w", err)
	}
	return nil
}

func (a application) slow(c call) (reply, error) {
	var in struct {
		MS float64 `json:"ms"`
	}
	if err := a.appendRecord(c); err != nil {
		return reply{}, err
	}
	if err := a.parseBody(c, &in); err != nil {
		return reply{}, err
	}
	time.Sleep(time.Duration(in.MS * float64(time.Millisecond)))
	return text("done")(c)
}

func (a application) sum(c call) (reply, error) {
	var in struct{ A, B *float64 }
	if err := a.parseBody(c, &in); err != nil {
		return reply{}, err
	}
	if in.A == nil || in.B == nil {
		return reply{}, refuse(400, "Invalid request schema: a and b are required")
	}
	if a.has("whole-numbers") {
		return object(map[string]any{"result": int(*in.A) + int(*in.B)})
	}
	return object(map[string]any{"result": *in.A + *in.B})
}

func (a application) status(c call) (reply, error) {
	var in struct{ Code int }
	err := a.parseBody(c, &in)
	return reply{status: in.Code}, err
}

// parseBody parses a JSON body.
func (a application) parseBody(c call, into any) error {
	if err := json.Unmarshal(c.body, into); err != nil {
		if a.has("body-500") || a.has("no-body-500") && c.body == nil {
			return fmt.Errorf("parse body: %w", err)
		}
		return refuse(400, "Invalid request schema: cannot parse the body")
	}
	return nil
}

// pathValue returns a handler that replies with a path value.
func pathValue(name string) handler {
	return func(c call) (reply, error) { return object(map[string]any{name: c.values[name]}) }
}

func text(body string) handler {
	return func(call) (reply, error) { return reply{status: 200, body: []byte(body)}, nil }
}

func object(members map[string]any) (reply, error) {
	data, err := json.Marshal(members)
	if err != nil {
		return reply{}, fmt.Errorf("encode body: %w", err)
	}
	return reply{status: 200, headers: map[string]string{"content-type": "application/json"}, body: data}, nil
}
