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

// This file is a second decoder, based on encoding/json and without limits. Tests compare
// DecodeRequest and DecodeResponse with it.

func jsonDecodeRequest(data []byte) (*Request, error) {
	f, err := jsonSplitFields(data)
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

func jsonDecodeResponse(data []byte) (*Response, error) {
	f, err := jsonSplitFields(data)
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

// jsonFields decodes the members of an envelope and keeps the first error.
type jsonFields struct {
	members map[string]json.RawMessage
	err     error
}

// jsonSplitFields decodes into a map, because encoding/json matches the fields of a struct
// case-insensitively.
func jsonSplitFields(data []byte) (*jsonFields, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not valid UTF-8")
	}
	if i := bytes.IndexFunc(data, isNotSpace); i >= 0 && data[i] != '{' {
		return nil, errors.New("not a JSON object")
	}
	f := &jsonFields{}
	if err := json.Unmarshal(data, &f.members); err != nil {
		return nil, jsonErrorText(err)
	}
	if hasLoneSurrogate(data) {
		return nil, errors.New("not valid Unicode: a lone surrogate escape")
	}
	return f, nil
}

func isNotSpace(r rune) bool { return r != ' ' && r != '\t' && r != '\n' && r != '\r' }

// jsonErrorText keeps only the offset of a syntax error, because the errors of
// encoding/json quote a character of the input.
func jsonErrorText(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("not valid JSON near byte %d", syntax.Offset)
	}
	return errors.New("not a JSON object")
}

func (f *jsonFields) fail(name, reason string) {
	if f.err == nil {
		f.err = &FieldError{name, reason}
	}
}

func (f *jsonFields) has(name string) bool { _, ok := f.members[name]; return ok }

func (f *jsonFields) text(name string, p presence) string {
	raw, ok := f.members[name]
	if !ok {
		if p == required {
			f.fail(name, "is missing")
		}
		return ""
	}
	var s string
	if isJSONNull(raw) || json.Unmarshal(raw, &s) != nil {
		f.fail(name, "must be a string")
	}
	return s
}

func isJSONNull(raw json.RawMessage) bool { return string(raw) == "null" }

func (f *jsonFields) headers() map[string]string {
	raw, ok := f.members["headers"]
	if !ok {
		return map[string]string{}
	}
	var values map[string]*string
	if isJSONNull(raw) || json.Unmarshal(raw, &values) != nil {
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

func (f *jsonFields) body() []byte {
	raw, ok := f.members["body"]
	if !ok || isJSONNull(raw) {
		return nil
	}
	text := f.text("body", required)
	body, err := jsonDecodeBase64(text)
	if err != nil {
		f.fail("body", "must be base64")
	}
	return body
}

// jsonDecodeBase64 accepts the URL-safe and the standard alphabet, each with and without
// padding.
func jsonDecodeBase64(s string) ([]byte, error) {
	// encoding/base64 ignores line ends, but the peers reject them.
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

func (f *jsonFields) status() int {
	raw, ok := f.members["status_code"]
	if !ok {
		return 200
	}
	text := strings.Trim(string(raw), `"`)
	code, err := strconv.Atoi(text)
	if err != nil {
		f.fail("status_code", "must be an integer")
	}
	return code
}

func (f *jsonFields) time(name string) time.Time {
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

// hasLoneSurrogate reports whether valid JSON contains a \u escape that is half of a
// surrogate pair. encoding/json replaces it by U+FFFD without an error.
func hasLoneSurrogate(data []byte) bool {
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
		unit := surrogateUnit(data)
		data = data[6:]
		switch {
		case unit>>10 == 0xDC00>>10:
			return true
		case unit>>10 == 0xD800>>10:
			if len(data) < 6 || data[0] != '\\' || data[1] != 'u' || surrogateUnit(data)>>10 != 0xDC00>>10 {
				return true
			}
			data = data[6:]
		}
	}
}

// surrogateUnit returns the UTF-16 code unit of the \uXXXX at the beginning of data.
func surrogateUnit(data []byte) uint64 {
	unit, _ := strconv.ParseUint(string(data[2:6]), 16, 16)
	return unit
}
