package syftcrypt

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// An opened message is a decrypted one.
type opened struct {
	body    []byte
	keys    messageKeys
	parties parties
	from    *peer
	prekey  *ecdh.PrivateKey // with which it was decrypted
	use     *use             // that it has as part of a request
}

// open decrypts a message to the user.
func (k *Keys) open(m *message, o *own, from *peer) (*opened, error) {
	last := ErrDecrypt
	for _, prekey := range o.prekeys(time.Now()) {
		body, keys, err := m.decrypt(prekey, from.prekey)
		if err == nil {
			return &opened{body, keys, o.parties(k, prekey.PublicKey(), from, false), from, prekey, nil}, nil
		}
		last = err
	}
	return nil, last
}

// encrypt encrypts a body from the user, with one of the user's prekeys, to a person.
func (k *Keys) encrypt(body []byte, o *own, prekey *ecdh.PrivateKey, to *peer) (*message, messageKeys, parties, error) {
	m, keys, err := newMessage(prekey, to.prekey, body)
	if err != nil {
		return nil, messageKeys{}, parties{}, fmt.Errorf("encrypt for %s: %w", to.address, err)
	}
	m.sender, m.receiver = k.s.client.Email, to.address
	return m, keys, o.parties(k, prekey.PublicKey(), to, true), nil
}

// parties returns the parties of a message between the user, with a prekey, and another person.
func (o *own) parties(k *Keys, prekey *ecdh.PublicKey, other *peer, sends bool) parties {
	p := parties{
		sender: other.address, senderIdentity: other.identity, senderPrekey: other.prekey.Bytes(),
		receiver: k.s.client.Email, receiverIdentity: o.identity.Public().(ed25519.PublicKey), receiverPrekey: prekey.Bytes(),
	}
	if sends {
		p = parties{
			sender: p.receiver, senderIdentity: p.receiverIdentity, senderPrekey: p.receiverPrekey,
			receiver: p.sender, receiverIdentity: p.senderIdentity, receiverPrekey: p.senderPrekey,
		}
	}
	return p
}

// checkText returns an error if a body is not UTF-8 and the receiver may be the Python package.
func checkText(body []byte, anyBytes bool) error {
	if !anyBytes && !utf8.Valid(body) {
		return ErrNotText
	}
	return nil
}

// refusals are the reasons that the response to a refused request may give.
var refusals = []error{
	ErrNoDocument, ErrBadDocument, ErrKeyChanged, ErrRetiredKey, ErrSharedKey, ErrUntrusted,
	ErrNotEncrypted, ErrWrongPerson, ErrDecrypt, ErrSeal, ErrReplay, errWeakKey,
}

// refusal returns the status and the text of the response to a refused message.
func refusal(err error) (status int, text string) {
	if errors.Is(err, ErrMalformed) {
		return 400, ErrMalformed.Error()
	}
	for _, reason := range refusals {
		if errors.Is(err, reason) {
			return 403, reason.Error()
		}
	}
	return 503, "keys are not available"
}
