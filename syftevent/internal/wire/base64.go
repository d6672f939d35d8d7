package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"unicode/utf8"
)

var errBase64 = errors.New("not base64")

// decodeBase64 decodes a JSON string without its quotes. It accepts the URL-safe and the
// standard alphabet, each with and without padding. The result is never nil if err is nil.
func decodeBase64(raw []byte) ([]byte, error) {
	if bytes.IndexByte(raw, '\\') >= 0 {
		return decodeEscapedBase64(raw)
	}
	encoding := base64.URLEncoding
	if bytes.ContainsAny(raw, "+/") {
		encoding = base64.StdEncoding
	}
	encoding = withPadding(encoding, raw)
	body := make([]byte, encoding.DecodedLen(len(raw)))
	n, err := encoding.Decode(body, raw)
	return body[:n], err
}

// withPadding returns the encoding with padding if text is padded, and without otherwise.
func withPadding(encoding *base64.Encoding, text []byte) *base64.Encoding {
	if bytes.HasSuffix(text, []byte("=")) {
		return encoding
	}
	return encoding.WithPadding(base64.NoPadding)
}

// decodeEscapedBase64 decodes a string that contains escapes. It works in pieces, because
// unescaping all of it would need a second copy.
func decodeEscapedBase64(raw []byte) ([]byte, error) {
	body := make([]byte, 0, base64.RawURLEncoding.DecodedLen(len(raw)))
	piece := make([]byte, 0, 4096) // a multiple of four
	var standard, safe bool        // alphabets found
	for len(raw) > 0 {
		if len(piece) == cap(piece) {
			var err error
			if body, err = base64.RawURLEncoding.AppendDecode(body, piece); err != nil {
				return nil, err
			}
			piece = piece[:0]
		}
		c, size := rune(raw[0]), 1
		if c == '\\' {
			c, size = decodeEscape(raw)
		}
		raw = raw[size:]
		switch c {
		case '-', '_':
			safe = true
		case '+':
			standard, c = true, '-'
		case '/':
			standard, c = true, '_'
		case '\r', '\n':
			// encoding/base64 ignores line ends, but the peers reject them.
			return nil, errBase64
		}
		if c >= utf8.RuneSelf {
			return nil, errBase64
		}
		piece = append(piece, byte(c))
	}
	if standard && safe {
		return nil, errBase64
	}
	return withPadding(base64.URLEncoding, piece).AppendDecode(body, piece)
}
