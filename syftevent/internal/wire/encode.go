package wire

import (
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendRequest appends the encoding of a request to dst. The JSON is compact, with
// fields in the Python package's order and headers sorted by name. Created and Expires
// must be set.
func AppendRequest(dst []byte, r *Request) []byte {
	dst = grow(dst, r.ID, r.Sender, r.URL, r.Body, r.Headers)
	dst = appendFields(dst, r.ID, r.Sender, r.URL, r.Body, r.Headers, r.Created, r.Expires)
	dst = append(dst, `,"method":`...)
	dst = AppendString(dst, r.Method)
	return append(dst, '}')
}

// AppendResponse appends the encoding of a response to dst. Its format is that of
// [AppendRequest].
func AppendResponse(dst []byte, r *Response) []byte {
	dst = grow(dst, r.ID, r.Sender, r.URL, r.Body, r.Headers)
	dst = appendFields(dst, r.ID, r.Sender, r.URL, r.Body, r.Headers, r.Created, r.Expires)
	dst = append(dst, `,"status_code":`...)
	dst = strconv.AppendInt(dst, int64(r.StatusCode), 10)
	return append(dst, '}')
}

// grow reserves the space of an envelope without escapes, so that appending it rarely
// allocates more or leaves unused capacity: a server keeps many responses.
func grow(dst []byte, id, sender, url string, body []byte, headers map[string]string) []byte {
	const frame = len(`{"id":"","sender":"","url":"","body":"","headers":{},"created":"","expires":"","status_code":000}`) +
		2*len("2006-01-02T15:04:05.000000+00:00")
	size := frame + len(id) + len(sender) + len(url) + base64.URLEncoding.EncodedLen(len(body))
	for name, value := range headers {
		size += len(`"":"",`) + len(name) + len(value)
	}
	return slices.Grow(dst, size)
}

// appendFields appends the seven members that begin both kinds of envelope.
func appendFields(dst []byte, id, sender, url string, body []byte, headers map[string]string, created, expires time.Time) []byte {
	dst = append(dst, `{"id":`...)
	dst = AppendString(dst, id)
	dst = append(dst, `,"sender":`...)
	dst = AppendString(dst, sender)
	dst = append(dst, `,"url":`...)
	dst = AppendString(dst, url)
	dst = append(dst, `,"body":`...)
	dst = appendBody(dst, body)
	dst = append(dst, `,"headers":`...)
	dst = appendHeaders(dst, headers)
	dst = append(dst, `,"created":"`...)
	dst = appendTime(dst, created)
	dst = append(dst, `","expires":"`...)
	dst = appendTime(dst, expires)
	return append(dst, '"')
}

func appendBody(dst, body []byte) []byte {
	if body == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	dst = base64.URLEncoding.AppendEncode(dst, body)
	return append(dst, '"')
}

func appendHeaders(dst []byte, headers map[string]string) []byte {
	dst = append(dst, '{')
	for i, name := range slices.Sorted(maps.Keys(headers)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, name)
		dst = append(dst, ':')
		dst = AppendString(dst, headers[name])
	}
	return append(dst, '}')
}

// AppendString appends s to dst as a JSON string, with the same escapes as the Python
// package. encoding/json would also escape <, >, & and U+2028, which would change message
// ids, because they are hashes of the encoding. Invalid UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			dst = append(dst, '\\', byte(r))
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\r':
			dst = append(dst, '\\', 'r')
		default:
			if r < 0x20 {
				dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&0xf])
			} else {
				dst = utf8.AppendRune(dst, r)
			}
		}
	}
	return append(dst, '"')
}
