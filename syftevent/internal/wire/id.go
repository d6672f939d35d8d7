package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// CanonicalID returns a UUID in lower case with hyphens. It accepts the forms that the
// Python package accepts: with hyphens or as 32 hexadecimal digits, in either case, with
// or without the prefix "urn:uuid:". It returns any other id unchanged. Two ids name the
// same request if their canonical forms are equal.
func CanonicalID(id string) string {
	const prefix = "urn:uuid:"
	if len(id) > len(prefix)+36 {
		return id
	}
	digits := strings.TrimPrefix(strings.ToLower(id), prefix)
	if len(digits) == 36 && digits[8] == '-' && digits[13] == '-' && digits[18] == '-' && digits[23] == '-' {
		digits = strings.ReplaceAll(digits, "-", "")
	}
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != 16 {
		return id
	}
	return formatUUID([16]byte(raw))
}

// MessageID returns the id that the Python package gives to a cached request: a version 4
// UUID made from the SHA-256 hash of sender, url, body, headers and method. It hashes
// headers in sorted order. The Python package hashes them in insertion order, so the ids
// are equal only if headers were inserted in sorted order.
func MessageID(r *Request) string {
	dst := append([]byte(nil), `{"sender":`...)
	dst = AppendString(dst, r.Sender)
	dst = append(dst, `,"url":`...)
	dst = AppendString(dst, r.URL)
	dst = append(dst, `,"body":`...)
	dst = appendBody(dst, r.Body)
	dst = append(dst, `,"headers":`...)
	dst = appendHeaders(dst, r.Headers)
	dst = append(dst, `,"method":`...)
	dst = AppendString(dst, r.Method)
	dst = append(dst, '}')
	sum := sha256.Sum256(dst)
	return NewID([16]byte(sum[:16]))
}

// NewID returns a version 4 UUID made from 16 bytes, which are random or a hash.
func NewID(u [16]byte) string {
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return formatUUID(u)
}

func formatUUID(u [16]byte) string {
	var dst [36]byte
	hex.Encode(dst[0:8], u[0:4])
	dst[8] = '-'
	hex.Encode(dst[9:13], u[4:6])
	dst[13] = '-'
	hex.Encode(dst[14:18], u[6:8])
	dst[18] = '-'
	hex.Encode(dst[19:23], u[8:10])
	dst[23] = '-'
	hex.Encode(dst[24:36], u[10:16])
	return string(dst[:])
}
