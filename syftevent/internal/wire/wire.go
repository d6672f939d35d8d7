// Package wire decodes and encodes the JSON envelopes of requests and responses.
//
// Decoding is lenient: it accepts everything that either peer (the Python package
// syft-rpc, or SyftBox's HTTP gateway) writes or accepts. Encoding is exact: it
// produces the same bytes as the Python package, so that hashes of an envelope are equal
// on both sides.
//
// The package does not access files and does not know about routes.
package wire

import (
	"fmt"
	"time"
)

// A Request is the content of a request file.
type Request struct {
	// ID is the request's id, unchanged. "" means that the field was absent.
	ID string
	// Sender is the address that the file claims. It is not verified.
	Sender string
	// URL is the address, unchanged, with its query and fragment.
	URL string
	// Method is GET, HEAD, POST, PUT, PATCH or DELETE. An absent field means GET.
	Method string
	// Headers is never nil after decoding.
	Headers map[string]string
	// Body is the decoded body. Nil means null or an absent field; an empty slice
	// means "".
	Body []byte
	// Created and Expires are truncated to microseconds and keep their UTC offset.
	// The zero time means that the field was absent; a field that contains the zero time
	// is decoded as one nanosecond later.
	Created, Expires time.Time
}

// A Response is the content of a response file.
type Response struct {
	// ID is the id of the request.
	ID string
	// Sender is the address of the server.
	Sender string
	// URL is the URL of the request, unchanged.
	URL string
	// StatusCode is the status. An absent field means 200.
	StatusCode int
	// Headers is never nil after decoding.
	Headers map[string]string
	// Body is the decoded body. Nil means null or an absent field; an empty slice
	// means "".
	Body []byte
	// Created and Expires are as in [Request].
	Created, Expires time.Time
}

// A FieldError reports an invalid field of an envelope. It never quotes the file's
// content, because the error is sent to the author of the file, who may not be allowed
// to read that content (if the file is a symbolic link, for example).
type FieldError struct {
	Field  string
	Reason string
}

// Error returns the field and the reason.
func (e *FieldError) Error() string {
	return fmt.Sprintf("field %q: %s", e.Field, e.Reason)
}

// DefaultExpiry is the lifetime of a request without an expires field.
const DefaultExpiry = 24 * time.Hour
