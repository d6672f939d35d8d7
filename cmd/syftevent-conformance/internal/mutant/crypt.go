package mutant

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// This file has the keys, messages and seals of SPEC.md, section 19. crypt_handle.go uses them.

// keyPair are the private keys of the owner.
type keyPair struct {
	identity ed25519.PrivateKey
	prekey   *ecdh.PrivateKey
}

// publicKeys are the keys in a DID document.
type publicKeys struct {
	identity ed25519.PublicKey
	prekey   *ecdh.PublicKey
	seals    bool
}

func (k keyPair) public() publicKeys {
	return publicKeys{k.identity.Public().(ed25519.PublicKey), k.prekey.PublicKey(), true}
}

type jwk struct {
	Kty       string `json:"kty"`
	Crv       string `json:"crv"`
	X         string `json:"x"`
	D         string `json:"d,omitempty"`
	Kid       string `json:"kid,omitempty"`
	Use       string `json:"use,omitempty"`
	Signature string `json:"signature,omitempty"`
	Seal      string `json:"syftevent_seal,omitempty"`
}

type verificationMethod struct {
	ID         string `json:"id"`
	Type       string `json:"type"`
	Controller string `json:"controller"`
	Key        jwk    `json:"publicKeyJwk"`
}

type didDocument struct {
	Context   []string             `json:"@context"`
	ID        string               `json:"id"`
	Identity  []verificationMethod `json:"verificationMethod"`
	Agreement []verificationMethod `json:"keyAgreement"`
}

var keyText = base64.RawURLEncoding.EncodeToString

// sealPromise is what the identity key signs to promise that every message has a seal.
func sealPromise(address string, prekey []byte) []byte {
	return append([]byte("syftevent seal promise 1\x00"+strings.ToLower(address)+"\x00"), prekey...)
}

// document returns the DID document of the owner.
func (k keyPair) document(address string) []byte {
	did := "did:web:syftbox.net:" + url.QueryEscape(address)
	prekey := k.prekey.PublicKey().Bytes()
	data, err := json.MarshalIndent(didDocument{
		Context: []string{"https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/ed25519-2020/v1", "https://w3id.org/security/suites/x25519-2020/v1"},
		ID:      did,
		Identity: []verificationMethod{{did + "#identity-key", "Ed25519VerificationKey2020", did, jwk{
			Kty: "OKP", Crv: "Ed25519", X: keyText(k.public().identity), Kid: "identity-key", Use: "sig"}}},
		Agreement: []verificationMethod{{did + "#signed-prekey", "X25519KeyAgreementKey2020", did, jwk{
			Kty: "OKP", Crv: "X25519", X: keyText(prekey), Kid: "signed-prekey", Use: "enc",
			Signature: keyText(ed25519.Sign(k.identity, prekey)),
			Seal:      keyText(ed25519.Sign(k.identity, sealPromise(address, prekey)))}}},
	}, "", "  ")
	if err != nil {
		panic(err) // strings always encode
	}
	return data
}

// readDocument returns the keys in the DID document of a person.
func (c *cryptography) readDocument(data []byte, address string) (publicKeys, error) {
	var d didDocument
	if err := json.Unmarshal(data, &d); err != nil {
		return publicKeys{}, fmt.Errorf("parse DID document: %w", err)
	}
	name, err := url.PathUnescape(d.ID[strings.LastIndexByte(d.ID, ':')+1:])
	if (err != nil || !strings.EqualFold(name, address)) && !c.has("crypt-any-id") || len(d.Identity) == 0 || len(d.Agreement) == 0 {
		return publicKeys{}, errors.New("DID document is another person's, or lacks a key")
	}
	decode := base64.RawURLEncoding.DecodeString
	identity, err := decode(d.Identity[0].Key.X)
	if err != nil || len(identity) != ed25519.PublicKeySize {
		return publicKeys{}, errors.New("identity key is malformed")
	}
	raw, err := decode(d.Agreement[0].Key.X)
	if err != nil {
		return publicKeys{}, fmt.Errorf("decode prekey: %w", err)
	}
	k := publicKeys{identity: identity}
	if k.prekey, err = ecdh.X25519().NewPublicKey(raw); err != nil {
		return publicKeys{}, fmt.Errorf("decode prekey: %w", err)
	}
	signature, err := decode(d.Agreement[0].Key.Signature)
	if (err != nil || !ed25519.Verify(k.identity, raw, signature)) && !c.has("crypt-unsigned") {
		return publicKeys{}, errors.New("signature of the prekey is wrong")
	}
	if text := d.Agreement[0].Key.Seal; text != "" {
		signature, err := decode(text)
		if k.seals = err == nil && ed25519.Verify(k.identity, sealPromise(address, raw), signature); !k.seals {
			return publicKeys{}, errors.New("signature of the promise is wrong")
		}
	}
	return k, nil
}

// A message is an encrypted body.
type message struct {
	EK         []byte `json:"ek"`
	IV         []byte `json:"iv"`
	Ciphertext []byte `json:"ciphertext"`
	Tag        []byte `json:"tag"`
	Sender     string `json:"sender"`
	Receiver   string `json:"receiver"`
	Version    string `json:"version"`
}

const (
	gcmIV  = 12
	gcmTag = 16
)

// parseMessage parses an encrypted body.
func (c *cryptography) parseMessage(body []byte) (*message, error) {
	m := &message{}
	if json.Unmarshal(body, m) != nil || m.EK == nil || m.IV == nil || m.Ciphertext == nil || m.Tag == nil {
		return nil, errors.New("not a message")
	}
	if len(m.EK) != 32 || len(m.IV) != gcmIV || len(m.Tag) != gcmTag && !c.has("crypt-short-tag") || m.Sender == "" || m.Receiver == "" {
		return nil, errors.New("malformed message")
	}
	return m, nil
}

// id is the same for all forms of a message that have the same content.
func (m *message) id() string {
	h := sha256.New()
	for _, part := range [][]byte{m.IV, m.Tag, m.Ciphertext} {
		h.Write(part)
	}
	return string(h.Sum(nil))
}

// messageKeys are derived from what two persons share.
type messageKeys struct{ body, seal, iv []byte }

func agree(first, second *ecdh.PrivateKey, firstPublic, secondPublic *ecdh.PublicKey) (k messageKeys, err error) {
	a, err := first.ECDH(firstPublic)
	if err != nil {
		return k, fmt.Errorf("agree on a key: %w", err)
	}
	b, err := second.ECDH(secondPublic)
	if err != nil {
		return k, fmt.Errorf("agree on a key: %w", err)
	}
	for _, derived := range []struct {
		info string
		size int
		into *[]byte
	}{{"X3DH-SyftBox", 32, &k.body}, {"syftevent seal 1", 32, &k.seal}, {"syftevent sealed iv 1", gcmIV, &k.iv}} {
		if *derived.into, err = hkdf.Key(sha256.New, append(bytes.Clone(a), b...), nil, derived.info, derived.size); err != nil {
			return k, fmt.Errorf("derive key: %w", err)
		}
	}
	return k, nil
}

// encrypt encrypts a body with the iv of a sealed message.
func (k keyPair) encrypt(to *ecdh.PublicKey, text []byte) (*message, messageKeys, error) {
	ephemeral, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, messageKeys{}, fmt.Errorf("make key: %w", err)
	}
	keys, err := agree(k.prekey, ephemeral, to, to)
	if err != nil {
		return nil, keys, err
	}
	aead, err := newAEAD(keys.body)
	if err != nil {
		return nil, keys, err
	}
	out := aead.Seal(nil, keys.iv, text, nil)
	split := len(out) - gcmTag
	return &message{EK: ephemeral.PublicKey().Bytes(), IV: keys.iv, Ciphertext: out[:split:split], Tag: out[split:], Version: "1.0"}, keys, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return cipher.NewGCM(block)
}

// decrypt decrypts a message from the owner of a prekey.
func (c *cryptography) decrypt(m *message, from *ecdh.PublicKey) ([]byte, messageKeys, error) {
	ephemeral, err := ecdh.X25519().NewPublicKey(m.EK)
	if err != nil {
		return nil, messageKeys{}, fmt.Errorf("decrypt: %w", err)
	}
	keys, err := agree(c.keys.prekey, c.keys.prekey, from, ephemeral)
	if err != nil {
		return nil, keys, err
	}
	aead, err := newAEAD(keys.body)
	if err != nil {
		return nil, keys, err
	}
	if c.has("crypt-no-tag") || c.has("crypt-short-tag") {
		text, err := c.decryptSloppily(m, keys, aead)
		return text, keys, err
	}
	text, err := aead.Open([]byte{}, m.IV, slices.Concat(m.Ciphertext, m.Tag), nil)
	if err != nil {
		return nil, keys, fmt.Errorf("decrypt: %w", err)
	}
	return text, keys, nil
}

// decryptSloppily does not check the whole tag, if at all.
func (c *cryptography) decryptSloppily(m *message, keys messageKeys, aead cipher.AEAD) ([]byte, error) {
	block, err := aes.NewCipher(keys.body)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	text := make([]byte, len(m.Ciphertext))
	cipher.NewCTR(block, append(bytes.Clone(m.IV), 0, 0, 0, 2)).XORKeyStream(text, m.Ciphertext)
	tag := aead.Seal(nil, m.IV, text, nil)[len(text):]
	if c.has("crypt-short-tag") && !bytes.HasPrefix(tag, m.Tag) {
		return nil, errors.New("decrypt: wrong tag")
	}
	return text, nil
}

const sealHeader = "X-Syft-Seal"

// A sealed is what a seal covers, besides the message and the keys.
type sealed struct {
	id, url  string
	headers  map[string]string
	sender   string // as the request spells it, and its method and times
	method   string
	created  int64 // in microseconds since 1970
	expires  int64
	request  string // the id of the message that is answered; "" for a request
	status   int
	from, to string // addresses
}

// sealOf returns the seal of a message.
func (k messageKeys) sealOf(m *message, from, to publicKeys, s sealed) string {
	mac := hmac.New(sha256.New, k.seal)
	add := func(field string) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(field)))
		mac.Write(size[:])
		mac.Write([]byte(field))
	}
	rest := strings.TrimPrefix(s.url, "syft://")
	rest, fragment, _ := strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	datasite, path, _ := strings.Cut(rest, "/")
	kind := "request"
	if s.request != "" {
		kind = "response"
	}
	for _, field := range []string{
		"syftevent seal 1", kind, strings.ToLower(s.from), strings.ToLower(s.to),
		string(from.identity), string(to.identity), string(from.prekey.Bytes()), string(to.prekey.Bytes()),
		string(m.EK), string(m.IV), string(m.Ciphertext), string(m.Tag), s.id,
		strings.ToLower(datasite), "/" + path, query, fragment,
	} {
		add(field)
	}
	names := slices.Sorted(maps.Keys(s.headers))
	names = slices.DeleteFunc(names, func(name string) bool {
		return strings.EqualFold(name, sealHeader) || isVouching(name)
	})
	add(strconv.Itoa(len(names)))
	for _, name := range names {
		add(name)
		add(s.headers[name])
	}
	if s.request != "" {
		add(s.request)
		add(strconv.Itoa(s.status))
	} else {
		add(s.sender)
		add(s.method)
		add(strconv.FormatInt(s.created, 10))
		add(strconv.FormatInt(s.expires, 10))
	}
	return "1 " + keyText(mac.Sum(nil))
}

// isVouching reports whether a header vouches for the sender of a request.
func isVouching(name string) bool {
	return strings.EqualFold(name, "X-Syft-Decrypted") || strings.EqualFold(name, "X-Syft-Original-Sender")
}
