package mutant

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
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
	fields, err := decodeFields(data)
	if s.has("keeps-fields") {
		var all any
		json.Unmarshal(data, &all)
		s.mu.Lock()
		s.fields = append(s.fields, all)
		s.mu.Unlock()
	}
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

// maxFieldName is longer than the name of any field that counts, or that a defect takes
// for one.
const maxFieldName = 20

// decodeFields reads the members of an object, and keeps those that may count: there may
// be very many others, which are passed over without being decoded. It returns nil for
// null.
func decodeFields(data []byte) (map[string]json.RawMessage, error) {
	data = bytes.TrimSpace(data)
	switch {
	case !json.Valid(data):
		return nil, errors.New("not JSON")
	case string(data) == "null":
		return nil, nil
	case data[0] != '{':
		return nil, errors.New("not an object")
	}
	fields := map[string]json.RawMessage{}
	for rest := bytes.TrimLeft(data[1:], space); rest[0] != '}'; {
		nameEnd := endOfValue(rest)
		raw := rest[:nameEnd]
		rest = bytes.TrimLeft(bytes.TrimLeft(rest[nameEnd:], space)[1:], space) // the colon
		valueEnd := endOfValue(rest)
		if len(raw) <= maxFieldName && (raw[1] < '0' || raw[1] > '9') {
			var name string
			if err := json.Unmarshal(raw, &name); err != nil {
				return nil, err
			}
			fields[name] = rest[:valueEnd]
		}
		rest = bytes.TrimLeft(rest[valueEnd:], space)
		if rest[0] == ',' {
			rest = bytes.TrimLeft(rest[1:], space)
		}
	}
	return fields, nil
}

// space is what JSON takes for white space.
const space = " \t\r\n"

// endOfValue is where the value ends with which valid JSON begins.
func endOfValue(data []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			if quoted = !quoted; !quoted && depth == 0 {
				return i + 1
			}
		case quoted:
		case c == '{' || c == '[':
			depth++
		case (c == '}' || c == ']' || c == ',' || strings.IndexByte(space, c) >= 0) && depth == 0:
			return i
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(data)
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
