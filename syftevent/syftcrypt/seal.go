package syftcrypt

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"
	"strconv"
	"strings"

	"github.com/syftevent/syftevent-go/syftevent"
)

// SealHeader is the header with the seal of a message.
const SealHeader = "X-Syft-Seal"

const sealPrefix = "1 "

// ownHeaders are the headers that a seal does not cover: the seal itself, and those that only
// whoever decrypts a request may set.
var ownHeaders = []string{SealHeader, "X-Syft-Decrypted", "X-Syft-Original-Sender"}

// parties are the two persons of a message with their keys.
type parties struct {
	sender, receiver                 string
	senderIdentity, receiverIdentity []byte
	senderPrekey, receiverPrekey     []byte
}

// A sealer hashes fields, each with its length before it.
type sealer struct{ hash.Hash }

func (s sealer) add(fields ...string) {
	for _, field := range fields {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(field)))
		s.Write(size[:])
		s.Write([]byte(field))
	}
}

// sealOf starts a seal with what requests and responses have in common.
func (keys *messageKeys) sealOf(kind string, p parties, m *message, id string, u syftevent.URL, headers syftevent.Headers) sealer {
	s := sealer{hmac.New(sha256.New, keys.seal.key[:])}
	s.add("syftevent seal 1", kind, canonicalAddress(p.sender), canonicalAddress(p.receiver),
		string(p.senderIdentity), string(p.receiverIdentity), string(p.senderPrekey), string(p.receiverPrekey),
		string(m.ephemeral), string(m.iv), string(m.ciphertext), string(m.tag), id)
	addCall(s, u, headers)
	return s
}

// addCall adds the address and the headers of a call.
func addCall(s sealer, u syftevent.URL, headers syftevent.Headers) {
	s.add(canonicalAddress(u.Datasite), u.Path, u.Query, u.Fragment) // handlers may tell "/dir" from "/dir/"
	var names []string
	for name := range headers {
		if !isOwnHeader(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	s.add(strconv.Itoa(len(names)))
	for _, name := range names {
		s.add(name, headers[name])
	}
}

func isOwnHeader(name string) bool {
	return slices.ContainsFunc(ownHeaders, func(own string) bool { return strings.EqualFold(own, name) })
}

// withoutOwnHeaders returns a copy of headers that is not nil, as the file has them.
func withoutOwnHeaders(headers syftevent.Headers) syftevent.Headers {
	copied := syftevent.Headers{}
	for name, value := range headers {
		if !isOwnHeader(name) {
			copied[asWritten(name)] = asWritten(value)
		}
	}
	return copied
}

// asWritten returns a text as JSON has it: with U+FFFD for each byte that is not UTF-8. A seal of
// the text itself would not fit what the receiver reads.
func asWritten(s string) string {
	return strings.Map(func(r rune) rune { return r }, s)
}

// sealRequest returns the seal of a request.
func (keys *messageKeys) sealRequest(p parties, m *message, req *syftevent.Request) string {
	s := keys.sealOf("request", p, m, req.ID, req.URL, req.Headers)
	s.add(m.sender, req.Method, strconv.FormatInt(req.Created.UnixMicro(), 10), strconv.FormatInt(req.Expires.UnixMicro(), 10))
	return s.text()
}

// sealResponse returns the seal of a response. request is the ID of the message in the request.
func (keys *messageKeys) sealResponse(p parties, m *message, request digest, id string, u syftevent.URL, status int, headers syftevent.Headers) string {
	s := keys.sealOf("response", p, m, id, u, headers)
	s.add(string(request[:]), strconv.Itoa(status))
	return s.text()
}

func (s sealer) text() string { return sealPrefix + base64URL.EncodeToString(s.Sum(nil)) }

// checkSeal compares the seal of a message in constant time, and reports whether there is one. It
// returns [ErrSeal] if it is wrong, or if there is none although the message was sealed or required
// is set.
func (keys *messageKeys) checkSeal(m *message, headers syftevent.Headers, want string, required bool) (sealed bool, err error) {
	got := headers.Get(SealHeader)
	switch {
	case got != "" && hmac.Equal([]byte(got), []byte(want)):
		return true, nil
	case got != "", required, bytes.Equal(m.iv, keys.sealedIV):
		return false, ErrSeal
	}
	return false, nil
}

// requestDigest identifies a request: everything that the handler gets.
func requestDigest(req *syftevent.Request) digest {
	s := sealer{sha256.New()}
	s.add("request", canonicalAddress(req.Sender), req.ID, req.Method,
		strconv.FormatInt(req.Created.UnixMicro(), 10), strconv.FormatInt(req.Expires.UnixMicro(), 10))
	addCall(s, req.URL, req.Headers)
	return digest(s.Sum(nil))
}

// responseDigest identifies the response to a request.
func responseDigest(request digest, id string) digest {
	s := sealer{sha256.New()}
	s.add("response", string(request[:]), id)
	return digest(s.Sum(nil))
}
