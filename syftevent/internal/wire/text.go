package wire

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// The functions in this file expect strings of valid JSON without lone surrogates.

// maxEscape is the maximum number of encoded bytes for one decoded byte.
const maxEscape = len(`\u0041`)

// unquote decodes a string with its quotes. It fails if the result has more than maxLen
// bytes.
func unquote(quoted []byte, maxLen int) (text string, ok bool) {
	raw := quoted[1 : len(quoted)-1]
	if len(raw) > maxLen*maxEscape {
		return "", false
	}
	if bytes.IndexByte(raw, '\\') >= 0 {
		raw = unescape(make([]byte, 0, len(raw)), raw)
	}
	if len(raw) > maxLen {
		return "", false
	}
	return string(raw), true
}

// unescape decodes a string without its quotes and appends the result to dst.
func unescape(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		r, size := decodeEscape(raw[i:])
		dst = utf8.AppendRune(append(dst, raw[:i]...), r)
		raw = raw[i+size:]
	}
}

// decodeEscape decodes the escape at the beginning of raw and returns its length.
func decodeEscape(raw []byte) (r rune, size int) {
	switch c := raw[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default: // a quote, a slash or a backslash
		return rune(c), 2
	}
	const length = len(`\u0041`)
	r, _ = hexUnit(raw[2:])
	if !isHigh(r) {
		return r, length
	}
	low, _ := hexUnit(raw[length+2:])
	return utf16.DecodeRune(r, low), 2 * length
}
