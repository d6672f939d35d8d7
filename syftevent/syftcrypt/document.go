package syftcrypt

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/url"
	"slices"
	"strings"
)

var base64URL = base64.RawURLEncoding

// A document is what a DID document says, with verified signatures.
type document struct {
	identity ed25519.PublicKey
	prekey   *ecdh.PublicKey
	prekeyID [keySize]byte
	seals    bool // the owner promises to seal every message
}

// sealPromise is what the identity key signs to promise that every message has a seal. Unlike the
// signature of the Python package, it names the address.
func sealPromise(address string, prekey *ecdh.PublicKey) []byte {
	return append([]byte("syftevent seal promise 1\x00"+canonicalAddress(address)+"\x00"), prekey.Bytes()...)
}

// maxMethods is the number of keys that a document may have of each kind.
const maxMethods = 16

// parseDocument parses and verifies the DID document of a person.
//
// The Python package verifies the signature with the first keys, and encrypts with the first
// key whose id ends in "#signed-prekey". Here these must be the same.
func parseDocument(data []byte, address string) (*document, error) {
	o, err := parseObject(data)
	if err != nil {
		return nil, err
	}
	if id, ok := o.text("id"); !ok || !isDIDOf(id, address) {
		return nil, errors.New("id is not that of the person")
	}
	identity, err := firstKey(o, "verificationMethod", "#identity-key", "Ed25519")
	if err != nil {
		return nil, err
	}
	agreement, err := firstKey(o, "keyAgreement", "#signed-prekey", "X25519")
	if err != nil {
		return nil, err
	}
	raw, _ := identity.base64(base64URL, "x", ed25519.PublicKeySize)
	d := &document{identity: ed25519.PublicKey(raw)}
	raw, _ = agreement.base64(base64URL, "x", keySize)
	if d.prekey, err = ecdh.X25519().NewPublicKey(raw); err != nil {
		return nil, errWeakKey
	}
	if d.prekeyID, err = prekeyID(d.prekey); err != nil {
		return nil, err
	}
	if isWeakIdentity(d.identity) {
		return nil, errWeakKey
	}
	signature, ok := agreement.base64(base64URL, "signature", ed25519.SignatureSize)
	if !ok || !ed25519.Verify(d.identity, raw, signature) {
		return nil, errors.New("missing or wrong signature of the prekey")
	}
	if _, ok := agreement["syftevent_seal"]; ok {
		promise, ok := agreement.base64(base64URL, "syftevent_seal", ed25519.SignatureSize)
		if !ok || !ed25519.Verify(d.identity, sealPromise(address, d.prekey), promise) {
			return nil, errors.New("wrong signature of the promise to seal")
		}
		d.seals = true
	}
	return d, nil
}

// firstKey returns the JWK of the first key of a kind.
func firstKey(o object, member, suffix, curve string) (object, error) {
	methods, ok := o.array(member, maxMethods)
	if !ok {
		return nil, errors.New(member + " has no key, or too many")
	}
	id, ok := methods[0].text("id")
	if !ok || !strings.HasSuffix(id, suffix) {
		return nil, errors.New("the first key of " + member + " is not " + suffix)
	}
	jwk, ok := methods[0].object("publicKeyJwk")
	if !ok {
		return nil, errors.New(member + " has no JWK")
	}
	return jwk, checkJWK(jwk, curve)
}

// checkJWK checks the type, the curve and the length of a public key.
func checkJWK(jwk object, curve string) error {
	if kty, _ := jwk.text("kty"); kty != "OKP" {
		return errors.New("key type is not OKP")
	}
	if crv, _ := jwk.text("crv"); crv != curve {
		return errors.New("curve is not " + curve)
	}
	if _, ok := jwk.base64(base64URL, "x", keySize); !ok {
		return errors.New("public key is not 32 bytes in base64url")
	}
	return nil
}

// isDIDOf reports whether a DID is "did:web:<host>:<address>". The host is not compared: people
// write the URL of one SyftBox server in several ways.
func isDIDOf(did, address string) bool {
	rest, ok := strings.CutPrefix(did, "did:web:")
	colon := strings.LastIndexByte(rest, ':')
	if !ok || colon <= 0 {
		return false
	}
	name, err := url.PathUnescape(rest[colon+1:])
	return err == nil && sameAddress(name, address)
}

// weakIdentities are the y coordinates of the points of low order, as in libsodium's
// ge25519_has_small_order: 0, 1, those of order 8, -1, and 0 and 1 in a second encoding.
var weakIdentities = func() (keys [][]byte) {
	for _, text := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		key, err := hex.DecodeString(text)
		if err != nil {
			panic(err)
		}
		keys = append(keys, key)
	}
	return keys
}()

// isWeakIdentity reports whether an Ed25519 key is a point of low order, under which anyone can
// sign.
func isWeakIdentity(key ed25519.PublicKey) bool {
	y := bytes.Clone(key)
	y[len(y)-1] &= 0x7f // the sign of x
	return slices.ContainsFunc(weakIdentities, func(weak []byte) bool { return bytes.Equal(weak, y) })
}

// A jwk is a key in the order in which the Python package writes its members.
type jwk struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	ID        string `json:"kid,omitempty"`
	Use       string `json:"use,omitempty"`
	Signature string `json:"signature,omitempty"`
	Seal      string `json:"syftevent_seal,omitempty"`
}

type method struct {
	ID         string `json:"id"`
	Type       string `json:"type"`
	Controller string `json:"controller"`
	Key        jwk    `json:"publicKeyJwk"`
}

// encodeDocument returns the DID document of own keys, as the Python package writes it.
func encodeDocument(address, host string, own *own) []byte {
	did := "did:web:" + host + ":" + escapeDID(pythonAddress(address))
	identity, prekey := own.identity.Public().(ed25519.PublicKey), own.prekey.PublicKey()
	agreement := jwk{
		Type: "OKP", Curve: "X25519", X: base64URL.EncodeToString(prekey.Bytes()), ID: "signed-prekey", Use: "enc",
		Signature: base64URL.EncodeToString(ed25519.Sign(own.identity, prekey.Bytes())),
	}
	if own.seals {
		agreement.Seal = base64URL.EncodeToString(ed25519.Sign(own.identity, sealPromise(address, prekey)))
	}
	return encode(struct {
		Context   []string `json:"@context"`
		ID        string   `json:"id"`
		Methods   []method `json:"verificationMethod"`
		Agreement []method `json:"keyAgreement"`
	}{
		[]string{"https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/ed25519-2020/v1", "https://w3id.org/security/suites/x25519-2020/v1"},
		did,
		[]method{{did + "#identity-key", "Ed25519VerificationKey2020", did,
			jwk{Type: "OKP", Curve: "Ed25519", X: base64URL.EncodeToString(identity), ID: "identity-key", Use: "sig"}}},
		[]method{{did + "#signed-prekey", "X25519KeyAgreementKey2020", did, agreement}},
	}, "  ")
}

// escapeDID escapes an address as Python's urllib.parse.quote does with safe="".
func escapeDID(address string) string {
	return strings.ReplaceAll(url.QueryEscape(address), "%7E", "~")
}
