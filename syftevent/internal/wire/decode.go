package wire

import (
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

// Limits of what is decoded, in bytes after decoding unless they say otherwise. What
// is skipped needs none: it costs no memory.
const (
	// maxText limits id, sender, url and method. An id is the name of a file and a
	// path has 4 KiB at most, so this leaves 60 KiB for the query of a url.
	maxText = 64 << 10
	// maxHeaders is how many headers there may be: more than Apache and Tomcat take, 100.
	// A small one costs ten times its size, and a server has 1,000 small requests at once.
	// maxHeaderBytes is how large names and values may be together, as in net/http.
	maxHeaders     = 256
	maxHeaderBytes = 1 << 20
	// maxNumber limits a time or a status as it is written. The longest that a peer
	// writes has 35 bytes.
	maxNumber = 128
)

// Complete reports whether data is one complete JSON value. A file of which
// only a beginning has arrived is not: an envelope is an object, and no
// beginning of an object is a JSON value. Complete allocates nothing.
func Complete(data []byte) bool {
	s := scanner{data: data}
	return s.scan()
}

// DecodeRequest reads a request file. Unknown fields are ignored, of duplicate
// fields the last one counts, names match exactly. The error is a *FieldError
// where one field is to blame.
//
// It takes time in proportion to the size of the data, and little more memory than
// the body that it returns.
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

// DecodeResponse reads a response file, as leniently as [DecodeRequest].
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

// members are the known members of an envelope as they are written, nil if absent.
type members struct {
	id, sender, url, method, headers, body, created, expires, statusCode []byte
}

// set sets a member, if it is a known one. The name is matched exactly: a file with both
// "sender" and "Sender" would otherwise mean one thing here and another to the peers.
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

// fields are the members of an envelope, and the first thing found wrong with them.
type fields struct {
	members
	err error
}

type presence bool

const (
	optional presence = false
	required presence = true
)

// splitFields finds the members. Its errors tell where a syntax error is and quote
// nothing.
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
	case s.lone:
		// encoding/json would turn it into U+FFFD, and make two different files equal.
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

func (f *fields) decodedHeaders() map[string]string {
	if f.headers == nil {
		return map[string]string{}
	}
	if f.headers[0] != '{' {
		f.fail("headers", "must be an object of strings")
		return nil
	}
	h := headers{values: map[string]string{}}
	s := scanner{data: f.headers, member: h.add}
	s.scan()
	if len(h.nulls) > 0 {
		h.wrong = "must be an object of strings"
	}
	if h.wrong != "" {
		f.fail("headers", h.wrong)
		return nil
	}
	return h.values
}

// headers are those read so far.
type headers struct {
	values map[string]string
	nulls  map[string]bool // instead of values; a later value may replace them
	count  int
	size   int
	wrong  string // what is wrong with them, "" for nothing
}

func (h *headers) add(name, value []byte) {
	if h.wrong != "" {
		return
	}
	if h.count++; h.count > maxHeaders {
		h.wrong = fmt.Sprintf("must not have more than %d members", maxHeaders)
		return
	}
	key, fits := unquote(name, maxHeaderBytes-h.size)
	h.size += len(key)
	var text string
	switch {
	case !fits:
	case value[0] == '"':
		text, fits = unquote(value, maxHeaderBytes-h.size)
		h.size += len(text)
		h.values[key] = text
		delete(h.nulls, key)
	case value[0] == 'n':
		if h.nulls == nil {
			h.nulls = map[string]bool{}
		}
		h.nulls[key] = true
	default:
		h.wrong = "must be an object of strings"
	}
	if !fits {
		h.wrong = fmt.Sprintf("must not have more than %d bytes", maxHeaderBytes)
	}
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
		// The Python package writes a number and accepts a numeric string.
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
	var text string // "" if it is too long, which is no time
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
