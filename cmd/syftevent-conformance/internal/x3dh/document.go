package x3dh

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// encoding is that of keys and signatures.
var encoding = base64.RawURLEncoding

// promise is what the identity key signs to promise seals.
func promise(address string, prekey *ecdh.PublicKey) []byte {
	return append([]byte("syftevent seal promise 1\x00"+strings.ToLower(address)+"\x00"), prekey.Bytes()...)
}

// Document returns the DID document of keys with the id of a person. signer signs the prekey: in an
// honest document it is k, and the id is k.Address.
func (k *Keys) Document(id string, signer *Keys) []byte {
	p := k.Public()
	did := "did:web:syftbox.net:" + strings.ReplaceAll(url.QueryEscape(id), "%7E", "~")
	agreement := map[string]string{
		"kty": "OKP", "crv": "X25519", "x": encoding.EncodeToString(p.Prekey.Bytes()), "kid": "signed-prekey", "use": "enc",
		"signature": encoding.EncodeToString(ed25519.Sign(signer.Identity, p.Prekey.Bytes())),
	}
	if k.Seals {
		agreement["syftevent_seal"] = encoding.EncodeToString(ed25519.Sign(signer.Identity, promise(k.Address, p.Prekey)))
	}
	method := func(name, kind string, key map[string]string) []map[string]any {
		return []map[string]any{{"id": did + "#" + name, "type": kind, "controller": did, "publicKeyJwk": key}}
	}
	data, err := json.MarshalIndent(map[string]any{
		"@context": []string{"https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/ed25519-2020/v1", "https://w3id.org/security/suites/x25519-2020/v1"},
		"id":       did,
		"verificationMethod": method("identity-key", "Ed25519VerificationKey2020", map[string]string{
			"kty": "OKP", "crv": "Ed25519", "x": encoding.EncodeToString(p.Identity), "kid": "identity-key", "use": "sig",
		}),
		"keyAgreement": method("signed-prekey", "X25519KeyAgreementKey2020", agreement),
	}, "", "  ")
	if err != nil {
		panic(err) // strings always encode
	}
	return data
}

// A method is a key in a DID document.
type method struct {
	ID  string
	JWK struct {
		Type      string `json:"kty"`
		Curve     string `json:"crv"`
		X         string `json:"x"`
		Signature string `json:"signature"`
		Seal      string `json:"syftevent_seal"`
	} `json:"publicKeyJwk"`
}

// ParseDocument parses the DID document of a person. It returns an error if it is not valid.
func ParseDocument(data []byte, address string) (Public, error) {
	var d struct {
		ID        string
		Identity  []method `json:"verificationMethod"`
		Agreement []method `json:"keyAgreement"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return Public{}, err
	}
	name, err := url.PathUnescape(d.ID[strings.LastIndexByte(d.ID, ':')+1:])
	if err != nil || !strings.HasPrefix(d.ID, "did:web:") || !strings.EqualFold(name, address) {
		return Public{}, fmt.Errorf("the id is %q, not that of %s", d.ID, address)
	}
	if len(d.Identity) == 0 || len(d.Agreement) == 0 {
		return Public{}, errors.New("a key is missing")
	}
	identity, agreement := d.Identity[0].JWK, d.Agreement[0].JWK
	key, err := encoding.DecodeString(identity.X)
	if err != nil || len(key) != ed25519.PublicKeySize || identity.Curve != "Ed25519" {
		return Public{}, errors.New("the first identity key is not one of Ed25519")
	}
	prekey, err := encoding.DecodeString(agreement.X)
	if err != nil || agreement.Curve != "X25519" {
		return Public{}, errors.New("the first prekey is not one of X25519")
	}
	p := Public{Address: address, Identity: key}
	if p.Prekey, err = ecdh.X25519().NewPublicKey(prekey); err != nil {
		return Public{}, err
	}
	if signature, err := encoding.DecodeString(agreement.Signature); err != nil || !ed25519.Verify(p.Identity, prekey, signature) {
		return Public{}, errors.New("the signature of the prekey is wrong")
	}
	if agreement.Seal != "" {
		signature, err := encoding.DecodeString(agreement.Seal)
		if p.Seals = err == nil && ed25519.Verify(p.Identity, promise(address, p.Prekey), signature); !p.Seals {
			return Public{}, errors.New("the signature of the promise to seal is wrong")
		}
	}
	return p, nil
}
