package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// The strings here are of valid JSON, without lone surrogates.

// maxEscape is how many bytes an escape has at most for each byte it stands for.
const maxEscape = len(`\u0041`)

// unquote returns what a string stands for, if that has at most maxLen bytes.
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

// unescape appends what a string without its quotes stands for.
func unescape(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		r, size := escaped(raw[i:])
		dst = utf8.AppendRune(append(dst, raw[:i]...), r)
		raw = raw[i+size:]
	}
}

// escaped returns what the escape stands for with which raw begins, and its length.
func escaped(raw []byte) (r rune, size int) {
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

var errBase64 = errors.New("not base64")

// decodeBase64 reads all four forms in use: the URL-safe alphabet and the
// standard one, each with and without padding. The text is a string without its
// quotes. The result is never nil.
func decodeBase64(raw []byte) ([]byte, error) {
	if bytes.IndexByte(raw, '\\') >= 0 {
		return decodeEscapedBase64(raw)
	}
	encoding := base64.URLEncoding
	if bytes.ContainsAny(raw, "+/") {
		encoding = base64.StdEncoding
	}
	encoding = padding(encoding, raw)
	body := make([]byte, encoding.DecodedLen(len(raw)))
	n, err := encoding.Decode(body, raw)
	return body[:n], err
}

// padding returns the encoding with or without padding, as the text has it.
func padding(encoding *base64.Encoding, text []byte) *base64.Encoding {
	if bytes.HasSuffix(text, []byte("=")) {
		return encoding
	}
	return encoding.WithPadding(base64.NoPadding)
}

// decodeEscapedBase64 decodes piece by piece, because what is unescaped as a whole is
// another copy.
func decodeEscapedBase64(raw []byte) ([]byte, error) {
	body := make([]byte, 0, base64.RawURLEncoding.DecodedLen(len(raw)))
	piece := make([]byte, 0, 4096) // of whole groups of four
	var standard, safe bool        // which alphabets it has
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
			c, size = escaped(raw)
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
			// encoding/base64 skips line ends; the peers refuse them.
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
	return padding(base64.URLEncoding, piece).AppendDecode(body, piece)
}
