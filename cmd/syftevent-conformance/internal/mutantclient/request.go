package mutantclient

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// encode sets the bytes of a request, and when it expires.
func (c *client) encode(p *pending) error {
	created := time.Now().UTC().Truncate(time.Microsecond)
	p.expires = created.Add(p.lifetime.Truncate(time.Microsecond))
	return c.encodeAt(p, created)
}

func (c *client) encodeAt(p *pending, created time.Time) error {
	var body *string
	if p.body != nil {
		text := base64.URLEncoding.EncodeToString(p.body)
		body = &text
	}
	envelope := map[string]any{
		"id": p.stem, "sender": c.email, "url": p.url, "method": p.method, "headers": p.headers,
		"body": body, "created": formatTime(created), "expires": formatTime(p.expires),
	}
	c.corruptRequest(envelope, p, created)
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(envelope); err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	p.data = bytes.TrimSpace(out.Bytes())
	return nil
}

func formatTime(t time.Time) string {
	return t.Format("2006-01-02T15:04:05.000000") + "+00:00"
}

// newUUID returns a random UUID (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// sameID compares ids without regard to case, and UUIDs in any of their forms.
func sameID(a, b string) bool { return plainID(a) == plainID(b) }

func plainID(id string) string {
	id = strings.ToLower(id)
	digits := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(id, "urn:uuid:"), "{"), "}")
	digits = strings.ReplaceAll(digits, "-", "")
	if len(digits) == 32 && strings.Trim(digits, "0123456789abcdef") == "" {
		return digits
	}
	return id
}
