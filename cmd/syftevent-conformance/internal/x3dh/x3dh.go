// Package x3dh makes and reads the keys, messages and seals of SPEC.md, section 19, for the
// scenarios. It shares no code with package syftcrypt, whose mistakes it finds, and lets
// scenarios make whatever an attacker can make.
package x3dh

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// Sizes of the parts of a message, in bytes.
const (
	ivSize  = 12
	tagSize = 16
)

// A Public holds the public keys of a person.
type Public struct {
	Address  string
	Identity ed25519.PublicKey
	Prekey   *ecdh.PublicKey
	// Seals reports whether the person promises to seal every message.
	Seals bool
}

// Keys are the keys of a person.
type Keys struct {
	Address  string
	Identity ed25519.PrivateKey
	Prekey   *ecdh.PrivateKey
	Seals    bool
}

// NewKeys makes keys.
func NewKeys(address string) (*Keys, error) {
	_, identity, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	prekey, err := ecdh.X25519().GenerateKey(rand.Reader)
	return &Keys{Address: address, Identity: identity, Prekey: prekey}, err
}

// Public returns the public keys.
func (k *Keys) Public() Public {
	return Public{k.Address, k.Identity.Public().(ed25519.PublicKey), k.Prekey.PublicKey(), k.Seals}
}

// A Message is an encrypted body.
type Message struct {
	EK         []byte `json:"ek"`
	IV         []byte `json:"iv"`
	Ciphertext []byte `json:"ciphertext"`
	Tag        []byte `json:"tag"`
	Sender     string `json:"sender"`
	Receiver   string `json:"receiver"`
	Version    string `json:"version"`
}

// Encode returns the JSON of a message, as the Python package writes it.
func (m *Message) Encode() []byte {
	text := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, `{"ek":%q,"iv":%q,"ciphertext":%q,"tag":%q,"sender":%q,"receiver":%q,"version":%q}`,
		text(m.EK), text(m.IV), text(m.Ciphertext), text(m.Tag), m.Sender, m.Receiver, m.Version)
}

// Parse parses the JSON of a message. It returns an error if a member has the wrong size.
func Parse(data []byte) (*Message, error) {
	m := &Message{}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, err
	}
	if len(m.EK) != 32 || len(m.IV) != ivSize || len(m.Tag) != tagSize || m.Sender == "" || m.Receiver == "" {
		return nil, errors.New("a member of the message is missing, or has another length")
	}
	return m, nil
}

// ID returns the hash by which the seal of a response names the message of its request.
func (m *Message) ID() []byte {
	h := sha256.New()
	h.Write(m.IV)
	h.Write(m.Tag)
	h.Write(m.Ciphertext)
	return h.Sum(nil)
}

// A Secret is what sender and receiver of one message share.
type Secret struct{ shared []byte }

// derive returns a key, or the iv of a sealed message.
func (s Secret) derive(info string, size int) []byte {
	key, err := hkdf.Key(sha256.New, s.shared, nil, info, size)
	if err != nil {
		panic(err) // the size is valid
	}
	return key
}

// SealedIV returns the iv of a message with a seal.
func (s Secret) SealedIV() []byte { return s.derive("syftevent sealed iv 1", ivSize) }

func (s Secret) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(s.derive("X3DH-SyftBox", 32))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Encrypt encrypts a text for a person. The iv is that of a sealed message if sealed is set,
// and otherwise random.
func (k *Keys) Encrypt(to Public, text []byte, sealed bool) (*Message, Secret, error) {
	ephemeral, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, Secret{}, err
	}
	s, err := agree(k.Prekey, ephemeral, to.Prekey, to.Prekey)
	if err != nil {
		return nil, s, err
	}
	iv := s.SealedIV()
	if !sealed {
		rand.Read(iv) // never fails
	}
	m, err := k.encryptWith(s, ephemeral, to, iv, text)
	return m, s, err
}

func (k *Keys) encryptWith(s Secret, ephemeral *ecdh.PrivateKey, to Public, iv, text []byte) (*Message, error) {
	aead, err := s.aead()
	if err != nil {
		return nil, err
	}
	out := aead.Seal(nil, iv, text, nil)
	split := len(out) - tagSize
	return &Message{ephemeral.PublicKey().Bytes(), iv, out[:split:split], out[split:], k.Address, to.Address, "1.0"}, nil
}

// agree returns the secret of two pairs of keys.
func agree(first, second *ecdh.PrivateKey, firstPublic, secondPublic *ecdh.PublicKey) (Secret, error) {
	a, err := first.ECDH(firstPublic)
	if err != nil {
		return Secret{}, err
	}
	b, err := second.ECDH(secondPublic)
	return Secret{append(a, b...)}, err
}

// Decrypt decrypts a message from a person.
func (k *Keys) Decrypt(m *Message, from Public) ([]byte, Secret, error) {
	ephemeral, err := ecdh.X25519().NewPublicKey(m.EK)
	if err != nil {
		return nil, Secret{}, err
	}
	s, err := agree(k.Prekey, k.Prekey, from.Prekey, ephemeral)
	if err != nil {
		return nil, s, err
	}
	aead, err := s.aead()
	if err != nil {
		return nil, s, err
	}
	text, err := aead.Open([]byte{}, m.IV, append(append([]byte{}, m.Ciphertext...), m.Tag...), nil)
	return text, s, err
}
