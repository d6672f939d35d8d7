package syftevent

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// A Request is a request to an endpoint. The server passes each request to one
// handler. The handler may keep the request, and may modify it until the handler returns or
// its context ends.
type Request struct {
	// ID is the name of the request's file without ".request". The sender chooses it, so it
	// is unique only among the requests of one sender to one endpoint, and a later request
	// with other content may have the same.
	ID string
	// Sender is the e-mail address of the sender: the name of the folder that holds the
	// request or, if SenderVerified is false, what the file says. The package documentation
	// says in "Senders" when it is authenticated. [Client.Send] ignores it.
	Sender string
	// SenderVerified reports whether Sender is the name of the folder that holds the request.
	// It is false in the legacy layout, where Sender is only what the file says. It is also
	// true for a request that SyftBox's HTTP gateway puts into a sender's folder, although the
	// gateway does not authenticate senders: do not authorize a request by this field alone.
	SenderVerified bool
	// URL is the URL of the request. On a server its Endpoint is that of the folder that
	// holds the request: %-escapes in the path are decoded if that is necessary.
	URL URL
	// Method is GET, HEAD, POST, PUT, PATCH or DELETE. [Client.Send] defaults to GET.
	Method string
	// Headers are the headers that the sender set. A server drops X-Syft-Decrypted
	// and X-Syft-Original-Sender, which a sender could forge.
	Headers Headers
	// Body is the body. Nil means no body; a non-nil empty slice means an empty body.
	Body []byte
	// Created is when the sender made the request, by the sender's clock; zero if the request
	// does not say.
	Created time.Time
	// Expires is when the sender stops waiting. [NewRequest] sets it to [DefaultExpiry] from
	// now, and so does [Client.Send] if it is zero. If a received request has none, it is a
	// day after the server read it. A server responds with 419, without calling a handler, if
	// it has passed by the server's own clock.
	Expires time.Time

	// Generation is 0 unless [Server.ShareWork] is set. Then it is 1 for the first worker that runs
	// the request, and higher for each worker that takes the request over from one that seems to be
	// dead. A handler can pass it to a store that rejects a write with a lower generation than it
	// has seen for the request: a worker that was only suspended cannot overwrite then what its
	// successor has written.
	Generation int

	// endpoint is the endpoint whose folder holds the request; "" outside a server,
	// where the URL decides.
	endpoint   string
	pathValues map[string]string
}

// DefaultExpiry is the lifetime of a request that [NewRequest] or [Client.Send] makes.
const DefaultExpiry = 15 * time.Minute

// NewRequest returns a request with a random ID that expires [DefaultExpiry] from now. A nil
// body means no body; a []byte or a string is sent as it is; any other value is encoded as
// JSON. It sets no headers. It returns an error if url is invalid or body cannot be encoded.
// [Client.Send] checks the method.
//
// Each call needs a request of its own: a [Server] usually takes a second one with the same ID and
// content for the first, which SyftBox restored, and does not call the handler. To send a
// request again, clear its ID, Created and Expires.
func NewRequest(method, url string, body any) (*Request, error) {
	u, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	data, err := encodeBody(body)
	if err != nil {
		return nil, fmt.Errorf("syftevent: encode body of request to %s: %w", url, err)
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

// PathValue returns what the named wildcard of the pattern matched, or "" if the pattern has
// no such wildcard. For an unnamed wildcard, name is "*" or "**". If the pattern has several
// "*", PathValue("*") returns the first.
func (r *Request) PathValue(name string) string { return r.pathValues[name] }

// PathValues returns what the wildcards of the pattern matched, by their names. The caller may
// change the map.
func (r *Request) PathValues() map[string]string { return maps.Clone(r.pathValues) }

// SetPathValue sets what [Request.PathValue] returns, to test a handler without a
// router.
func (r *Request) SetPathValue(name, value string) {
	if r.pathValues == nil {
		r.pathValues = map[string]string{}
	}
	r.pathValues[name] = value
}

// Text returns the body as text.
func (r *Request) Text() string { return string(r.Body) }

// DecodeJSON decodes the body into v, as [json.Unmarshal] does. The error is an
// [*Error] with status 400, which a handler can return.
func (r *Request) DecodeJSON(v any) error {
	if len(r.Body) == 0 {
		return Errorf(400, "%sthe body is empty, want JSON", textInvalidBody)
	}
	decoder := json.NewDecoder(bytes.NewReader(r.Body))
	if err := decoder.Decode(v); err != nil {
		return Errorf(400, "%s%v", textInvalidBody, err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Errorf(400, "%sdata after the JSON value", textInvalidBody)
	}
	return nil
}

// path returns the endpoint by which the request is routed.
func (r *Request) path() string {
	if r.endpoint != "" {
		return r.endpoint
	}
	return r.URL.Endpoint()
}

// encodeBody encodes JSON without the escapes for HTML, as the Python package does.
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

// newID returns a random UUID, version 4.
func newID() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails, by its documentation
	return wire.NewID(raw)
}
