package syftevent

import (
	"fmt"
	"time"
)

// A Response is the answer to a request. A handler sets StatusCode, Headers and
// Body; the server sets the rest when it publishes the answer.
type Response struct {
	// ID is the id of the request.
	ID string
	// Sender is the e-mail address of the server.
	Sender string
	// URL is the address that was called.
	URL URL
	// StatusCode is 200 if it is left 0. The clients of the Python package
	// reject numbers that they do not know (299, 420, 599, 600 ...): such a
	// status is answered as 500, and logged.
	StatusCode int
	// Headers may be nil.
	Headers Headers
	// Body is nil for none.
	Body []byte
	// Created is when the server made the answer, and Expires is the request's.
	Created, Expires time.Time
}

// JSON returns a response whose body is v as compact JSON. The error is what
// encoding v failed with, so a handler ends with "return syftevent.JSON(200,
// v)".
func JSON(status int, v any) (*Response, error) {
	body, err := encodeJSON(v)
	if err != nil {
		return nil, fmt.Errorf("syftevent: encoding a response: %w", err)
	}
	return &Response{StatusCode: status, Headers: Headers{"Content-Type": "application/json"}, Body: body}, nil
}

// Text returns a response whose body is s.
func Text(status int, s string) *Response {
	return &Response{StatusCode: status, Headers: Headers{"Content-Type": "text/plain; charset=utf-8"}, Body: []byte(s)}
}

// Bytes returns a response whose body is b, without a content type. A nil b is
// no body, an empty one an empty body.
func Bytes(status int, b []byte) *Response {
	return &Response{StatusCode: status, Headers: Headers{}, Body: b}
}
