package mutant

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// A call is what a handler is given.
type call struct {
	*request
	values map[string]string // of the wildcards
}

type handler func(call) (reply, error)

// application is the endpoints of SPEC.md, Appendix A.
func (s *server) application() []route {
	routes := []route{
		{"", "echo", s.echo},
		{"", "fail", func(call) (reply, error) { return reply{}, errors.New("conformance-secret") }},
		{"", "inspect", s.inspect},
		{"", "record", s.record},
		{"", "slow", s.slow},
		{"", "sum", s.sum},
		{"", "status", s.status},
		{"", "empty", func(call) (reply, error) { return reply{status: 200}, nil }},
		{"", "items/{id}", value("id")},
		{"", "items/first", func(call) (reply, error) { return object(map[string]any{"id": "the first"}) }},
		{"", "users/{email}/profile", value("email")},
		{"", "api/**", value("**")},
		{"", "nested", text("outer")},
		{"", "nested/inner", text("inner")},
		{"GET", "get-only", text("got")},
	}
	for n := range s.extraEndpoints {
		routes = append(routes, route{"", fmt.Sprintf("extra%d", n), s.echo})
	}
	return routes
}

func (s *server) echo(c call) (reply, error) {
	headers := map[string]string{}
	for name, value := range c.headers {
		headers["x-echo-"+name] = value
	}
	return reply{status: 200, headers: headers, body: c.body}, nil
}

func (s *server) inspect(c call) (reply, error) {
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

func (s *server) record(c call) (reply, error) {
	if err := s.note(c); err != nil {
		return reply{}, err
	}
	return text("recorded")(c)
}

// note writes down that a request is run.
func (s *server) note(c call) error {
	f, err := os.OpenFile(s.recordPath, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("opening the record: %w", err)
	}
	// One write, so that lines of concurrent handlers do not mix.
	_, err = f.WriteString(c.id + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing the record %s: %w", s.recordPath, err)
	}
	return nil
}

func (s *server) slow(c call) (reply, error) {
	var in struct {
		MS float64 `json:"ms"`
	}
	if err := s.note(c); err != nil {
		return reply{}, err
	}
	if err := s.readBody(c, &in); err != nil {
		return reply{}, err
	}
	time.Sleep(time.Duration(in.MS * float64(time.Millisecond)))
	return text("done")(c)
}

func (s *server) sum(c call) (reply, error) {
	var in struct{ A, B *float64 }
	if err := s.readBody(c, &in); err != nil {
		return reply{}, err
	}
	if in.A == nil || in.B == nil {
		return reply{}, refuse(400, "Invalid request schema: a and b are required")
	}
	if s.has("whole-numbers") {
		return object(map[string]any{"result": int(*in.A) + int(*in.B)})
	}
	return object(map[string]any{"result": *in.A + *in.B})
}

func (s *server) status(c call) (reply, error) {
	var in struct{ Code int }
	err := s.readBody(c, &in)
	return reply{status: in.Code}, err
}

// readBody reads a body that is JSON.
func (s *server) readBody(c call, into any) error {
	if err := json.Unmarshal(c.body, into); err != nil {
		if s.has("body-500") {
			return fmt.Errorf("reading the body: %w", err)
		}
		return refuse(400, "Invalid request schema: the body is not what the endpoint reads")
	}
	return nil
}

// value answers what a wildcard stands for.
func value(name string) handler {
	return func(c call) (reply, error) { return object(map[string]any{name: c.values[name]}) }
}

func text(words string) handler {
	return func(call) (reply, error) { return reply{status: 200, body: []byte(words)}, nil }
}

func object(members map[string]any) (reply, error) {
	data, err := json.Marshal(members)
	if err != nil {
		return reply{}, fmt.Errorf("encoding a reply: %w", err)
	}
	return reply{status: 200, headers: map[string]string{"content-type": "application/json"}, body: data}, nil
}
