package mutant

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A request is what an envelope says.
type request struct {
	id, sender, url, method string
	body                    []byte // nil for none
	headers                 map[string]string
	expires                 time.Time
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

// lifetime is how long a request counts that does not say.
const lifetime = 24 * time.Hour

// decode reads an envelope. Fields are looked up by their exact names; of two the
// last counts.
func (s *server) decode(data []byte) (*request, error) {
	var fields map[string]json.RawMessage
	err := json.Unmarshal(data, &fields)
	if s.has("null-dies") && err == nil && fields == nil {
		s.die("null is no envelope")
	}
	if err != nil || fields == nil || !utf8.Valid(data) {
		return nil, refuse(400, "Error loading request: not a JSON object in UTF-8")
	}
	if err := s.misread(data, fields); err != nil {
		return nil, err
	}
	var body *string
	var headers map[string]*string
	req := &request{method: "GET", headers: map[string]string{}, expires: time.Now().Add(lifetime)}
	for name, into := range map[string]any{
		"id": &req.id, "sender": &req.sender, "url": &req.url, "method": &req.method,
		"body": &body, "headers": &headers,
	} {
		raw, there := fields[name]
		// Only a body may be null.
		if there && (json.Unmarshal(raw, into) != nil || string(raw) == "null" && name != "body") {
			return nil, refuse(400, "Error loading request: field %s", name)
		}
	}
	var created time.Time
	for name, into := range map[string]*time.Time{"created": &created, "expires": &req.expires} {
		if raw, there := fields[name]; there {
			if s.has("lenient-times") {
				if t, err := s.parseTime(raw); err == nil {
					*into = t
				}
				continue
			}
			if *into, err = s.parseTime(raw); err != nil {
				return nil, refuse(400, "Error loading request: field %s", name)
			}
		}
	}
	for name, value := range headers {
		if value == nil {
			return nil, refuse(400, "Error loading request: field headers")
		}
		req.headers[name] = *value
	}
	if s.has("created-future") && time.Until(created) > 365*24*time.Hour {
		return nil, refuse(400, "Error loading request: created in the future")
	}
	if body != nil {
		if req.body, err = s.decodeBody(*body); err != nil {
			return nil, refuse(400, "Error loading request: field body")
		}
	}
	if req.sender == "" || req.url == "" || !slices.Contains(methods, req.method) && !s.has("any-method") {
		return nil, refuse(400, "Error loading request: field sender, url or method")
	}
	return req, nil
}

// decodeBody reads base64 in either alphabet, with padding or without. The result
// is never nil.
func (s *server) decodeBody(text string) ([]byte, error) {
	if s.has("url-safe-only") {
		return base64.RawURLEncoding.AppendDecode([]byte{}, []byte(strings.TrimRight(text, "=")))
	}
	if s.has("padded-only") && len(text)%4 != 0 {
		return nil, base64.CorruptInputError(len(text))
	}
	plain := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	return base64.RawStdEncoding.AppendDecode([]byte{}, []byte(plain))
}

const naiveForm = "2006-01-02T15:04:05"

// timeForms are ISO 8601 with and without an offset. Any number of digits of a
// fraction may follow the seconds.
var timeForms = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05Z0700",
	naiveForm, "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02",
}

func (s *server) parseTime(raw json.RawMessage) (time.Time, error) {
	var seconds float64
	if json.Unmarshal(raw, &seconds) == nil && string(raw) != "null" {
		return time.UnixMicro(int64(seconds * 1e6)), nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return time.Time{}, fmt.Errorf("reading a time: %w", err)
	}
	if s.has("microseconds") && longFraction.MatchString(text) {
		return time.Time{}, fmt.Errorf("%q has more than six digits", text)
	}
	for _, form := range timeForms {
		if s.has("naive-dies") && form == naiveForm && fits(form, text) {
			s.die("can't compare offset-naive and offset-aware times")
		}
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time", text)
}

// A reply is what a handler returns.
type reply struct {
	silent  bool // no answer at all, which only defects want
	status  int
	headers map[string]string
	body    []byte // nil for none
}

// encode writes the envelope of a reply.
func (s *server) encode(p place, req *request, r reply) ([]byte, error) {
	var body *string
	if r.body != nil {
		text := base64.URLEncoding.EncodeToString(r.body)
		body = &text
	}
	if r.headers == nil {
		r.headers = map[string]string{}
	}
	envelope := map[string]any{
		"id": req.id, "sender": s.email, "url": req.url, "body": body, "headers": r.headers,
		"created": formatTime(time.Now()), "expires": formatTime(req.expires), "status_code": r.status,
	}
	s.miswrite(envelope, r)
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(envelope); err != nil {
		return nil, fmt.Errorf("encoding the response to %s: %w", p.request(), err)
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

func formatTime(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.999999") + "+00:00"
}
