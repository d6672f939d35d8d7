package syftcrypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

const (
	// MaxMessageSize limits the size of an encrypted message, in bytes.
	MaxMessageSize = 96 << 20

	version  = "1.0"
	ivSize   = 12
	tagSize  = 16
	keySize  = 32
	infoBody = "X3DH-SyftBox"
	infoSeal = "syftevent seal 1"
	infoIV   = "syftevent sealed iv 1"
)

// A message is the JSON object that the Python package calls EncryptedPayload.
type message struct {
	ephemeral  []byte // the sender's ephemeral X25519 key
	iv         []byte
	ciphertext []byte
	tag        []byte
	sender     string
	receiver   string
}

// encode returns the bytes that the Python package writes for the same message.
func (m *message) encode() []byte {
	text := base64.StdEncoding.EncodeToString
	return encode(struct {
		Ephemeral  string `json:"ek"`
		IV         string `json:"iv"`
		Ciphertext string `json:"ciphertext"`
		Tag        string `json:"tag"`
		Sender     string `json:"sender"`
		Receiver   string `json:"receiver"`
		Version    string `json:"version"`
	}{text(m.ephemeral), text(m.iv), text(m.ciphertext), text(m.tag), m.sender, m.receiver, version}, "")
}

// errNotMessage means that a body has not the form of an encrypted message. Any other error of
// parseMessage means that it has the form, and is malformed.
var errNotMessage = errors.New("not an encrypted message")

// parseMessage parses the body of a request or a response.
func parseMessage(data []byte) (*message, error) {
	if len(data) > MaxMessageSize {
		return nil, fmt.Errorf("message of %d bytes exceeds the limit of %d bytes", len(data), MaxMessageSize)
	}
	o, err := parseObject(data)
	if err != nil {
		return nil, errNotMessage
	}
	// The body of a route without encryption may have some of these names.
	for _, name := range []string{"ek", "iv", "ciphertext", "tag"} {
		if _, ok := o[name]; !ok {
			return nil, errNotMessage
		}
	}
	bad := func(name string) (*message, error) { return nil, fmt.Errorf("member %q is invalid", name) }
	m := &message{}
	for _, member := range []struct {
		name string
		size int
		into *[]byte
	}{{"ek", keySize, &m.ephemeral}, {"iv", ivSize, &m.iv}, {"ciphertext", -1, &m.ciphertext}, {"tag", tagSize, &m.tag}} {
		var ok bool
		if *member.into, ok = o.base64(base64.StdEncoding, member.name, member.size); !ok {
			return bad(member.name)
		}
	}
	var ok bool
	if m.sender, ok = o.text("sender"); !ok || !isAddress(m.sender) {
		return bad("sender")
	}
	if m.receiver, ok = o.text("receiver"); !ok || !isAddress(m.receiver) {
		return bad("receiver")
	}
	if v, ok := o.text("version"); o["version"] != nil && (!ok || v != version) {
		return bad("version")
	}
	return m, nil
}

// id identifies what the message contains. It leaves out the ephemeral key: X25519 maps several
// encodings and points to one secret, so that an attacker can change the key and the message
// still decrypts.
func (m *message) id() [sha256.Size]byte {
	h := sha256.New()
	h.Write(m.iv)
	h.Write(m.tag)
	h.Write(m.ciphertext)
	return [sha256.Size]byte(h.Sum(nil))
}

// messageKeys are the keys of one message.
type messageKeys struct {
	body, seal secret
	// sealedIV is the iv of a message that its sender has sealed. Nobody can make one look like a
	// message without a seal, because the iv decrypts it.
	sealedIV []byte
}

// deriveKeys derives the keys of a message from the two shared secrets. body is that of the
// Python package. seal is independent of it.
func deriveKeys(static, ephemeral []byte) messageKeys {
	shared := append(append(make([]byte, 0, 2*keySize), static...), ephemeral...)
	var keys messageKeys
	for info, into := range map[string]*secret{infoBody: &keys.body, infoSeal: &keys.seal} {
		key, err := hkdf.Key(sha256.New, shared, nil, info, keySize)
		if err != nil {
			panic("syftcrypt: " + err.Error()) // never: the length is valid
		}
		into.key = (*[keySize]byte)(key)
	}
	var err error
	if keys.sealedIV, err = hkdf.Key(sha256.New, shared, nil, infoIV, ivSize); err != nil {
		panic("syftcrypt: " + err.Error()) // never: the length is valid
	}
	return keys
}

// aead returns AES-256-GCM with a key.
func (s *secret) aead() cipher.AEAD {
	block, err := aes.NewCipher(s.key[:])
	if err == nil {
		var aead cipher.AEAD
		if aead, err = cipher.NewGCM(block); err == nil {
			return aead
		}
	}
	panic("syftcrypt: " + err.Error()) // never: the key has a valid length
}

// newMessage encrypts a body from one person to another, with the iv of a sealed message.
func newMessage(prekey *ecdh.PrivateKey, to *ecdh.PublicKey, body []byte) (*message, messageKeys, error) {
	ephemeral, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, messageKeys{}, err
	}
	return encryptWith(ephemeral, nil, prekey, to, body)
}

// encryptWith encrypts with a given ephemeral key and iv, which must never be used again. A nil iv
// means that of a sealed message.
func encryptWith(ephemeral *ecdh.PrivateKey, iv []byte, prekey *ecdh.PrivateKey, to *ecdh.PublicKey, body []byte) (*message, messageKeys, error) {
	static, err := prekey.ECDH(to)
	if err != nil {
		return nil, messageKeys{}, errWeakKey
	}
	fresh, err := ephemeral.ECDH(to)
	if err != nil {
		return nil, messageKeys{}, errWeakKey
	}
	keys := deriveKeys(static, fresh)
	if iv == nil {
		iv = keys.sealedIV
	}
	sealed := keys.body.aead().Seal(nil, iv, body, nil)
	split := len(sealed) - tagSize
	return &message{ephemeral: ephemeral.PublicKey().Bytes(), iv: iv, ciphertext: sealed[:split:split], tag: sealed[split:]}, keys, nil
}

// errWeakKey means that a public key is a point of low order.
var errWeakKey = errors.New("weak public key")

// decrypt decrypts a message with the receiver's private key.
func (m *message) decrypt(prekey *ecdh.PrivateKey, from *ecdh.PublicKey) ([]byte, messageKeys, error) {
	point, err := ecdh.X25519().NewPublicKey(m.ephemeral)
	if err != nil {
		return nil, messageKeys{}, errWeakKey
	}
	static, err := prekey.ECDH(from)
	if err != nil {
		return nil, messageKeys{}, errWeakKey
	}
	fresh, err := prekey.ECDH(point)
	if err != nil {
		return nil, messageKeys{}, errWeakKey
	}
	keys := deriveKeys(static, fresh)
	sealed := append(append(make([]byte, 0, len(m.ciphertext)+tagSize), m.ciphertext...), m.tag...)
	body, err := keys.body.aead().Open(sealed[:0], m.iv, sealed, nil)
	if err != nil {
		return nil, messageKeys{}, ErrDecrypt
	}
	if body == nil {
		body = []byte{}
	}
	return body, keys, nil
}

// prekeyID returns the same value for all encodings and points that X25519 cannot tell apart:
// the product with a fixed scalar. Comparing keys byte by byte would let someone publish
// another person's key in a different form.
func prekeyID(key *ecdh.PublicKey) ([keySize]byte, error) {
	product, err := fixedScalar.ECDH(key)
	if err != nil {
		return [keySize]byte{}, errWeakKey
	}
	return [keySize]byte(product), nil
}

var fixedScalar = func() *ecdh.PrivateKey {
	scalar := sha256.Sum256([]byte("syftevent prekey id"))
	key, err := ecdh.X25519().NewPrivateKey(scalar[:])
	if err != nil {
		panic(err)
	}
	return key
}()
