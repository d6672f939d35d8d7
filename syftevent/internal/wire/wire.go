// Package wire is the JSON of a request or a response: read leniently, written
// exactly.
//
// Read is everything that either peer (the Python package syft-rpc, SyftBox's
// HTTP gateway) writes or accepts. Written are the very bytes that the Python
// package would write, so that hashes over an envelope agree on both sides.
// The package knows no files and no routes.
package wire

import (
	"fmt"
	"time"
)

// A Request is the content of a request file.
type Request struct {
	// ID is the request's id as it was written, "" when the field was absent.
	ID string
	// Sender is who the file says sent it. Nobody has checked it.
	Sender string
	// URL is the address as it was written, query and fragment included.
	URL string
	// Method is one of GET, HEAD, POST, PUT, PATCH and DELETE; GET when the
	// field was absent.
	Method string
	// Headers is never nil after decoding.
	Headers map[string]string
	// Body is nil for null or an absent field, and empty for "".
	Body []byte
	// Created and Expires are zero when the field was absent. They keep the
	// offset in which they were written, truncated to microseconds. The zero time
	// itself, if that is written, is read as a nanosecond later.
	Created, Expires time.Time
}

// A Response is the content of a response file.
type Response struct {
	// ID is the id of the request that is answered.
	ID string
	// Sender is the address of the server that answers.
	Sender string
	// URL is the url of the request, verbatim.
	URL string
	// StatusCode is 200 when the field was absent.
	StatusCode int
	// Headers is never nil after decoding.
	Headers map[string]string
	// Body is nil for null or an absent field, and empty for "".
	Body []byte
	// Created and Expires are zero when the field was absent.
	Created, Expires time.Time
}

// A FieldError says which field of an envelope is wrong. It never quotes the
// file's content: an error text travels back to whoever wrote the file, and
// the content may not be theirs (a symbolic link, say).
type FieldError struct {
	Field  string
	Reason string
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("field %q: %s", e.Field, e.Reason)
}

// DefaultExpiry is how long a request lives that does not say when it expires.
const DefaultExpiry = 24 * time.Hour
