package syftevent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// A Response is the response to a request. A handler sets StatusCode, Headers and
// Body; the server sets the other fields. In a response that a client receives, ID, Sender
// and URL are what the file says; those of the request are in [Future].
//
// The error responses that this package makes have a plain text body with the Content-Type
// "text/plain; charset=utf-8", except with [Server.DebugMode].
type Response struct {
	// ID is the ID of the request.
	ID string
	// Sender is the e-mail address of the server.
	Sender string
	// URL is the URL of the request.
	URL URL
	// StatusCode is the status. Defaults to 200. The clients of the Python package
	// reject a status that they do not know: a server responds with 500 instead, and
	// logs it. They know the registered statuses of HTTP, 419 and 499.
	StatusCode int
	// Headers are the headers. They may be nil.
	Headers Headers
	// Body is the body. Nil means no body; a non-nil empty slice means an empty body.
	Body []byte
	// Created is when the server made the response. Expires is the request's.
	Created, Expires time.Time
}

// statusOf returns the status of a response, which defaults to 200.
func statusOf(response *Response) int {
	if response.StatusCode == 0 {
		return 200
	}
	return response.StatusCode
}

// Text returns the body as text.
func (r *Response) Text() string { return string(r.Body) }

// DecodeJSON decodes the body into v, as [json.Unmarshal] does.
func (r *Response) DecodeJSON(v any) error {
	if err := json.Unmarshal(r.Body, v); err != nil {
		return fmt.Errorf("syftevent: decode response from %s: %w", r.URL, err)
	}
	return nil
}

const (
	jsonContentType = "application/json"
	textContentType = protocol.TextContentType
)

// JSON returns a response whose body is v as compact JSON. It returns the error of
// encoding v, so that a handler can end with
//
//	return syftevent.JSON(200, v)
func JSON(status int, v any) (*Response, error) {
	body, err := encodeJSON(v)
	if err != nil {
		return nil, fmt.Errorf("syftevent: encode response: %w", err)
	}
	return &Response{StatusCode: status, Headers: Headers{"Content-Type": jsonContentType}, Body: body}, nil
}

// Text returns a response with body s and the Content-Type "text/plain; charset=utf-8".
func Text(status int, s string) *Response {
	return &Response{StatusCode: status, Headers: Headers{"Content-Type": textContentType}, Body: []byte(s)}
}

// Bytes returns a response whose body is b, without a Content-Type. Nil means no
// body; a non-nil empty slice means an empty body.
func Bytes(status int, b []byte) *Response {
	return &Response{StatusCode: status, Headers: Headers{}, Body: b}
}

// encodeJSON encodes a value without escaping HTML and without a final line break.
func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
