package wire

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// methods are the valid request methods.
var methods = map[string]bool{
	"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true,
}

// Limits of decoded fields. Skipped members have no limit, because they use no memory.
const (
	// maxText is the maximum size of id, sender, url and method, in decoded bytes. An id
	// is a file name and a path has at most 4 KiB, which leaves 60 KiB for a url's query.
	maxText = 64 << 10
	// maxNumber is the maximum size of a time or a status, in encoded bytes. The longest
	// that a peer writes has 35.
	maxNumber = 128
)

// Complete reports whether data is one complete JSON value. An incomplete envelope
// never is, because no proper prefix of a JSON object is a JSON value. Complete does not
// allocate.
func Complete(data []byte) bool {
	s := scanner{data: data}
	return s.scan()
}

// DecodeRequest decodes a request file. It ignores unknown fields, uses the last of
// duplicate fields, and matches field names case-sensitively. It returns a *[FieldError]
// if one field is invalid.
//
// Its running time is linear in the size of data, and it allocates little more memory
// than the body that it returns.
func DecodeRequest(data []byte) (*Request, error) {
	f, err := splitFields(data)
	if err != nil {
		return nil, err
	}
	r := &Request{
		ID:      f.text("id", f.id, optional),
		Sender:  f.text("sender", f.sender, required),
		URL:     f.text("url", f.url, required),
		Body:    f.decodedBody(),
		Headers: f.decodedHeaders(),
		Created: f.time("created", f.created),
		Expires: f.time("expires", f.expires),
		Method:  f.text("method", f.method, optional),
	}
	if r.ID == "" && f.id != nil {
		f.fail("id", "must not be empty")
	}
	if r.Method == "" && f.method == nil {
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

// DecodeResponse decodes a response file by the rules of [DecodeRequest].
func DecodeResponse(data []byte) (*Response, error) {
	f, err := splitFields(data)
	if err != nil {
		return nil, err
	}
	r := &Response{
		ID:         f.text("id", f.id, optional),
		Sender:     f.text("sender", f.sender, required),
		URL:        f.text("url", f.url, required),
		Body:       f.decodedBody(),
		Headers:    f.decodedHeaders(),
		Created:    f.time("created", f.created),
		Expires:    f.time("expires", f.expires),
		StatusCode: f.status(),
	}
	if f.err != nil {
		return nil, f.err
	}
	return r, nil
}

// members are the known members of an envelope in encoded form, nil if absent.
type members struct {
	id, sender, url, method, headers, body, created, expires, statusCode []byte
}

// set stores a known member and ignores others. It matches the name case-sensitively, as
// the peers do: otherwise a file with both "sender" and "Sender" could have different
// senders for different readers.
func (m *members) set(name, value []byte) {
	const longest = len("status_code") * maxEscape
	name = name[1 : len(name)-1]
	if len(name) > longest {
		return
	}
	var buffer [longest]byte
	switch string(unescape(buffer[:0], name)) {
	case "id":
		m.id = value
	case "sender":
		m.sender = value
	case "url":
		m.url = value
	case "method":
		m.method = value
	case "headers":
		m.headers = value
	case "body":
		m.body = value
	case "created":
		m.created = value
	case "expires":
		m.expires = value
	case "status_code":
		m.statusCode = value
	}
}

// fields decodes the members of an envelope and keeps the first error.
type fields struct {
	members
	err error
}

type presence bool

const (
	optional presence = false
	required presence = true
)

// splitFields finds the members of an envelope. Its errors give the position of a syntax
// error but do not quote data.
func splitFields(data []byte) (*fields, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not valid UTF-8")
	}
	f := &fields{}
	s := scanner{data: data, member: f.set}
	s.space()
	if s.pos < len(data) && s.peek() != '{' {
		return nil, errors.New("not a JSON object")
	}
	switch ok := s.scan(); {
	case s.tooDeep:
		return nil, fmt.Errorf("nested more than %d deep", maxDepth)
	case !ok:
		return nil, fmt.Errorf("not valid JSON near byte %d", min(s.pos+1, len(data)))
	case s.loneSurrogate:
		// Replacing it by U+FFFD, as encoding/json does, would make different files equal.
		return nil, errors.New("not valid Unicode: a lone surrogate escape")
	}
	return f, nil
}

func (f *fields) fail(name, reason string) {
	if f.err == nil {
		f.err = &FieldError{name, reason}
	}
}

func (f *fields) text(name string, raw []byte, p presence) string {
	if raw == nil {
		if p == required {
			f.fail(name, "is missing")
		}
		return ""
	}
	if raw[0] != '"' {
		f.fail(name, "must be a string")
		return ""
	}
	text, ok := unquote(raw, maxText)
	if !ok {
		f.fail(name, fmt.Sprintf("must not have more than %d bytes", maxText))
	}
	return text
}

func (f *fields) decodedBody() []byte {
	switch {
	case f.body == nil || f.body[0] == 'n':
		return nil
	case f.body[0] != '"':
		f.fail("body", "must be a string")
		return nil
	}
	body, err := decodeBase64(f.body[1 : len(f.body)-1])
	if err != nil {
		f.fail("body", "must be base64")
	}
	return body
}

func (f *fields) status() int {
	if f.statusCode == nil {
		return 200
	}
	if len(f.statusCode) <= maxNumber {
		// The Python package writes a number, but also accepts a numeric string.
		if code, err := strconv.Atoi(strings.Trim(string(f.statusCode), `"`)); err == nil {
			return code
		}
	}
	f.fail("status_code", "must be an integer")
	return 0
}

func (f *fields) time(name string, raw []byte) time.Time {
	if raw == nil {
		return time.Time{}
	}
	var text string // "" if too long, which parseTime rejects
	if raw[0] == '"' {
		text, _ = unquote(raw, maxNumber)
	} else if len(raw) <= maxNumber {
		text = string(raw)
	}
	t, err := parseTime(text)
	if err != nil {
		f.fail(name, err.Error())
	}
	return t
}
