package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// methods are the request methods that the protocol has, all upper case.
var methods = map[string]bool{
	"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true,
}

// Complete reports whether data is one complete JSON value. A file of which
// only a beginning has arrived is not: an envelope is an object, and no
// beginning of an object is a JSON value.
func Complete(data []byte) bool { return json.Valid(data) }

// DecodeRequest reads a request file. Unknown fields are ignored, of duplicate
// fields the last one counts, names match exactly. The error is a *FieldError
// where one field is to blame.
func DecodeRequest(data []byte) (*Request, error) {
	f, err := splitFields(data)
	if err != nil {
		return nil, err
	}
	r := &Request{
		ID:      f.text("id", optional),
		Sender:  f.text("sender", required),
		URL:     f.text("url", required),
		Body:    f.body(),
		Headers: f.headers(),
		Created: f.time("created"),
		Expires: f.time("expires"),
		Method:  f.text("method", optional),
	}
	if r.ID == "" && f.has("id") {
		f.fail("id", "must not be empty")
	}
	if r.Method == "" && !f.has("method") {
		r.Method = "GET"
	}
	if f.err == nil && !methods[r.Method] {
		f.fail("method", "must be GET, HEAD, POST, PUT, PATCH or DELETE")
	}
	if f.err != nil {
		return nil, f.err
	}
	return r, nil
}

// DecodeResponse reads a response file, as leniently as [DecodeRequest].
func DecodeResponse(data []byte) (*Response, error) {
	f, err := splitFields(data)
	if err != nil {
		return nil, err
	}
	r := &Response{
		ID:         f.text("id", optional),
		Sender:     f.text("sender", required),
		URL:        f.text("url", required),
		Body:       f.body(),
		Headers:    f.headers(),
		Created:    f.time("created"),
		Expires:    f.time("expires"),
		StatusCode: f.status(),
	}
	if f.err != nil {
		return nil, f.err
	}
	return r, nil
}

// fields are the members of an envelope, undecoded, and the first thing found
// wrong with them.
type fields struct {
	members map[string]json.RawMessage
	err     error
}

type presence bool

const (
	optional presence = false
	required presence = true
)

// splitFields decodes into a map because encoding/json matches the fields of a
// struct without regard to case: a file with both "sender" and "Sender" would
// mean one thing here and another to the peers.
func splitFields(data []byte) (*fields, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not valid UTF-8")
	}
	if i := bytes.IndexFunc(data, isNotSpace); i >= 0 && data[i] != '{' {
		return nil, errors.New("not a JSON object")
	}
	f := &fields{}
	if err := json.Unmarshal(data, &f.members); err != nil {
		return nil, jsonError(err)
	}
	if loneSurrogate(data) {
		return nil, errors.New("not valid Unicode: a lone surrogate escape")
	}
	return f, nil
}

func isNotSpace(r rune) bool { return r != ' ' && r != '\t' && r != '\n' && r != '\r' }

// jsonError keeps the offset of a syntax error and drops the rest: the texts
// of encoding/json quote a character of the input.
func jsonError(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("not valid JSON near byte %d", syntax.Offset)
	}
	return errors.New("not a JSON object")
}

func (f *fields) fail(name, reason string) {
	if f.err == nil {
		f.err = &FieldError{name, reason}
	}
}

func (f *fields) has(name string) bool { _, ok := f.members[name]; return ok }

func (f *fields) text(name string, p presence) string {
	raw, ok := f.members[name]
	if !ok {
		if p == required {
			f.fail(name, "is missing")
		}
		return ""
	}
	var s string
	if isNull(raw) || json.Unmarshal(raw, &s) != nil {
		f.fail(name, "must be a string")
	}
	return s
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

func (f *fields) headers() map[string]string {
	raw, ok := f.members["headers"]
	if !ok {
		return map[string]string{}
	}
	var values map[string]*string
	if isNull(raw) || json.Unmarshal(raw, &values) != nil {
		f.fail("headers", "must be an object of strings")
		return nil
	}
	headers := make(map[string]string, len(values))
	for name, value := range values {
		if value == nil {
			f.fail("headers", "must be an object of strings")
			return nil
		}
		headers[name] = *value
	}
	return headers
}

func (f *fields) body() []byte {
	raw, ok := f.members["body"]
	if !ok || isNull(raw) {
		return nil
	}
	text := f.text("body", required)
	body, err := decodeBase64(text)
	if err != nil {
		f.fail("body", "must be base64")
	}
	return body
}

// decodeBase64 reads all four forms in use: the URL-safe alphabet and the
// standard one, each with and without padding. The result is never nil.
func decodeBase64(s string) ([]byte, error) {
	// encoding/base64 skips line ends; the peers refuse them.
	if strings.ContainsAny(s, "\r\n") {
		return nil, base64.CorruptInputError(strings.IndexAny(s, "\r\n"))
	}
	encoding := base64.URLEncoding
	if strings.ContainsAny(s, "+/") {
		encoding = base64.StdEncoding
	}
	if !strings.HasSuffix(s, "=") {
		encoding = encoding.WithPadding(base64.NoPadding)
	}
	body := make([]byte, encoding.DecodedLen(len(s)))
	n, err := encoding.Decode(body, []byte(s))
	return body[:n], err
}

func (f *fields) status() int {
	raw, ok := f.members["status_code"]
	if !ok {
		return 200
	}
	// The Python package writes a number and accepts a numeric string.
	text := strings.Trim(string(raw), `"`)
	code, err := strconv.Atoi(text)
	if err != nil {
		f.fail("status_code", "must be an integer")
	}
	return code
}

func (f *fields) time(name string) time.Time {
	raw, ok := f.members[name]
	if !ok {
		return time.Time{}
	}
	text := string(raw)
	if raw[0] == '"' {
		text = f.text(name, required)
	}
	t, err := parseTime(text)
	if err != nil {
		f.fail(name, err.Error())
	}
	return t
}

// loneSurrogate reports whether valid JSON has a \u escape that is half of a
// surrogate pair. encoding/json turns it into U+FFFD without a word, which
// would make two different files equal.
func loneSurrogate(data []byte) bool {
	for {
		i := bytes.IndexByte(data, '\\')
		if i < 0 {
			return false
		}
		data = data[i:]
		if data[1] != 'u' {
			data = data[2:]
			continue
		}
		unit := hexUnit(data)
		data = data[6:]
		switch {
		case unit>>10 == 0xDC00>>10:
			return true
		case unit>>10 == 0xD800>>10:
			if len(data) < 6 || data[0] != '\\' || data[1] != 'u' || hexUnit(data)>>10 != 0xDC00>>10 {
				return true
			}
			data = data[6:]
		}
	}
}

// hexUnit is the UTF-16 code unit of the \uXXXX with which data begins.
func hexUnit(data []byte) uint64 {
	unit, _ := strconv.ParseUint(string(data[2:6]), 16, 16)
	return unit
}
