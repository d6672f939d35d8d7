package x3dh

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SealHeader is the header with the seal of a message.
const SealHeader = "X-Syft-Seal"

// An Envelope is what a seal covers of a request or of a response.
type Envelope struct {
	ID      string // of the request
	URL     string // syft://<datasite>/<path>
	Headers map[string]string

	Method           string // of a request
	Created, Expires time.Time

	Request []byte // of a response: the ID of the message in the request
	Status  int
}

// Seal returns the seal of a message from one person to another. The envelope is that of a
// response if its Request is not nil.
func (s Secret) Seal(m *Message, from, to Public, e Envelope) string {
	h := hmac.New(sha256.New, s.derive("syftevent seal 1", 32))
	add := func(fields ...string) {
		for _, field := range fields {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
			h.Write([]byte(field))
		}
	}
	kind := "request"
	if e.Request != nil {
		kind = "response"
	}
	add("syftevent seal 1", kind, strings.ToLower(from.Address), strings.ToLower(to.Address))
	add(string(from.Identity), string(to.Identity), string(from.Prekey.Bytes()), string(to.Prekey.Bytes()))
	add(string(m.EK), string(m.IV), string(m.Ciphertext), string(m.Tag), e.ID)
	rest, fragment, _ := strings.Cut(strings.TrimPrefix(e.URL, "syft://"), "#")
	rest, query, _ := strings.Cut(rest, "?")
	datasite, path, _ := strings.Cut(rest, "/")
	add(strings.ToLower(datasite), "/"+path, query, fragment)
	covered := maps.Clone(e.Headers)
	maps.DeleteFunc(covered, func(name, _ string) bool {
		return slices.ContainsFunc([]string{SealHeader, "X-Syft-Decrypted", "X-Syft-Original-Sender"},
			func(own string) bool { return strings.EqualFold(name, own) })
	})
	add(strconv.Itoa(len(covered)))
	for _, name := range slices.Sorted(maps.Keys(covered)) {
		add(name, covered[name])
	}
	if e.Request != nil {
		add(string(e.Request), strconv.Itoa(e.Status))
	} else {
		add(m.Sender, e.Method, strconv.FormatInt(e.Created.UnixMicro(), 10), strconv.FormatInt(e.Expires.UnixMicro(), 10))
	}
	return "1 " + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
