package syftcrypt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// Errors of the parsers do not quote what they parse: it may be a key.
var (
	errNotObject = errors.New("not a JSON object in UTF-8")
	errDuplicate = errors.New("duplicate member")
)

// An object is a JSON object. Unlike encoding/json with a struct, it matches names by case
// and has no duplicate.
type object map[string]json.RawMessage

// maxMembers is the number of members of an object: each takes more memory than its two bytes.
const maxMembers = 64

// parseObject parses one JSON object with nothing after it.
func parseObject(data []byte) (object, error) {
	if !utf8.Valid(data) {
		return nil, errNotObject
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, errNotObject
	}
	o := object{}
	for decoder.More() {
		if len(o) == maxMembers {
			return nil, errNotObject
		}
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, errNotObject
		}
		if _, taken := o[name]; taken {
			return nil, errDuplicate
		}
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return nil, errNotObject
		}
		o[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errNotObject
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errNotObject
	}
	return o, nil
}

// text returns the member of a name if it is a string.
func (o object) text(name string) (string, bool) {
	raw, ok := o[name]
	if !ok || len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var s string
	return s, json.Unmarshal(raw, &s) == nil
}

// base64 returns the decoded member of a name. size is its length, or -1 for any.
func (o object) base64(encoding *base64.Encoding, name string, size int) ([]byte, bool) {
	s, ok := o.text(name)
	if !ok || strings.ContainsAny(s, "\r\n") { // package base64 ignores line breaks
		return nil, false
	}
	data, err := encoding.Strict().DecodeString(s)
	return data, err == nil && (size < 0 || len(data) == size)
}

// array returns the objects of the array of a name, at most limit.
func (o object) array(name string, limit int) ([]object, bool) {
	var raws []json.RawMessage
	if json.Unmarshal(o[name], &raws) != nil || len(raws) == 0 || len(raws) > limit {
		return nil, false
	}
	objects := make([]object, len(raws))
	for i, raw := range raws {
		var err error
		if objects[i], err = parseObject(raw); err != nil {
			return nil, false
		}
	}
	return objects, true
}

// object returns the member of a name if it is an object.
func (o object) object(name string) (object, bool) {
	inner, err := parseObject(o[name])
	return inner, err == nil
}

// encode encodes JSON as Python's json.dump does for ASCII: without the escapes for HTML.
func encode(v any, indent string) []byte {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(v); err != nil {
		panic("syftcrypt: " + err.Error()) // never: all members are strings
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}
