package syftevent

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// A Request is one call of an endpoint. The server hands each request to one
// handler, which may keep and change it.
type Request struct {
	// ID names the request; its file is <ID>.request.
	ID string
	// Sender is the e-mail address of who sent it: the name of the folder in
	// which the request lies, which SyftBox lets nobody else write to.
	Sender string
	// SenderVerified is false for a request of the older layout, which lies in
	// no sender's folder: Sender is then only what the file says.
	SenderVerified bool
	// URL is the address that was called.
	URL URL
	// Method is GET, HEAD, POST, PUT, PATCH or DELETE.
	Method string
	// Headers were set by the sender. X-Syft-Decrypted and
	// X-Syft-Original-Sender are dropped: a sender could forge them.
	Headers Headers
	// Body is nil if there is none, and empty if it is empty.
	Body []byte
	// Created is when the sender says it made the request, on its clock.
	Created time.Time
	// Expires is when the sender stops waiting; a day after the server has read
	// the request, if the sender does not say. A request that has expired is
	// answered 419 and reaches no handler.
	Expires time.Time

	// endpoint is what the server's folder says; "" outside a server, where
	// the URL decides.
	endpoint   string
	pathValues map[string]string
}

// DefaultExpiry is how long a request made by [NewRequest] waits for an answer.
// (One that says nothing of it waits a day; see [Request.Expires].)
const DefaultExpiry = 15 * time.Minute

// NewRequest makes a request with a fresh id that expires after
// [DefaultExpiry]. The body may be nil, a []byte or a string, which are sent as
// they are, or any other value, which is sent as JSON.
func NewRequest(method, url string, body any) (*Request, error) {
	u, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	data, err := encodeBody(body)
	if err != nil {
		return nil, fmt.Errorf("syftevent: encoding the body of a request to %s: %w", url, err)
	}
	now := time.Now().UTC()
	return &Request{
		ID:      newID(),
		URL:     u,
		Method:  method,
		Headers: Headers{},
		Body:    data,
		Created: now,
		Expires: now.Add(DefaultExpiry),
	}, nil
}

// PathValue returns what the named wildcard of the route's pattern matched, ""
// if the pattern has no such wildcard. The unnamed wildcards are named "*" and
// "**"; of several "*" it is the first.
func (r *Request) PathValue(name string) string { return r.pathValues[name] }

// SetPathValue sets what [Request.PathValue] returns, for testing a handler
// without a router.
func (r *Request) SetPathValue(name, value string) {
	if r.pathValues == nil {
		r.pathValues = map[string]string{}
	}
	r.pathValues[name] = value
}

// Text returns the body as text.
func (r *Request) Text() string { return string(r.Body) }

// DecodeJSON decodes the body into v, as [json.Unmarshal] does. The error is an
// [*Error] with status 400, fit to be returned by the handler.
func (r *Request) DecodeJSON(v any) error {
	if len(r.Body) == 0 {
		return Errorf(400, "%sthe body is empty, want JSON", textInvalidBody)
	}
	decoder := json.NewDecoder(bytes.NewReader(r.Body))
	if err := decoder.Decode(v); err != nil {
		return Errorf(400, "%s%v", textInvalidBody, err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Errorf(400, "%sthere is more after the JSON value", textInvalidBody)
	}
	return nil
}

// path is the endpoint by which the request is routed.
func (r *Request) path() string {
	if r.endpoint != "" {
		return r.endpoint
	}
	return r.URL.Endpoint()
}

// encodeBody gives a body its bytes. JSON is written without the escapes for
// HTML, as the Python package writes it.
func encodeBody(body any) ([]byte, error) {
	switch body := body.(type) {
	case nil:
		return nil, nil
	case []byte:
		return body, nil
	case string:
		return []byte(body), nil
	}
	return encodeJSON(body)
}

func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// newID returns a random UUID, version 4.
func newID() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails, by its documentation
	return wire.NewID(raw)
}
