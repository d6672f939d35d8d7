package syftcrypt

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"time"
)

// own are the keys of the user. They are immutable. It has no exported field and no method that
// prints: Keys hides it.
type own struct {
	identity ed25519.PrivateKey
	prekey   *ecdh.PrivateKey
	prekeyID [keySize]byte
	previous *ecdh.PrivateKey // the prekey before; nil if there is none, or it is too old

	previousID [keySize]byte
	retired    time.Time   // when it was replaced
	seals      bool        // the DID document promises to seal every message
	info       fs.FileInfo // of the file
}

// previousFor is how long messages that were encrypted with the previous prekey are decrypted.
const previousFor = 24 * time.Hour

// newOwn makes keys.
func newOwn() (*own, error) {
	_, identity, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	prekey, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	o := &own{identity: identity, prekey: prekey}
	o.prekeyID, err = prekeyID(prekey.PublicKey())
	return o, err
}

// prekeys returns the private prekeys with which a message may be decrypted.
func (o *own) prekeys(now time.Time) []*ecdh.PrivateKey {
	if o.previous != nil && now.Sub(o.retired) < previousFor {
		return []*ecdh.PrivateKey{o.prekey, o.previous}
	}
	return []*ecdh.PrivateKey{o.prekey}
}

type privateJWK struct {
	Type  string `json:"kty"`
	Curve string `json:"crv"`
	X     string `json:"x"`
	D     string `json:"d"`
}

// An extension is what this package adds to the file of the Python package, which ignores it.
type extension struct {
	Seal     bool        `json:"seal,omitempty"`
	Previous *privateJWK `json:"previous_prekey,omitempty"`
	Retired  string      `json:"retired,omitempty"`
}

// encode returns the content of the file of private keys.
func (o *own) encode(now time.Time) []byte {
	key := func(curve string, public, private []byte) privateJWK {
		return privateJWK{"OKP", curve, base64URL.EncodeToString(public), base64URL.EncodeToString(private)}
	}
	file := struct {
		Identity privateJWK `json:"identity_key"`
		Prekey   privateJWK `json:"signed_prekey"`
		Ours     *extension `json:"syftevent,omitempty"`
	}{
		key("Ed25519", o.identity.Public().(ed25519.PublicKey), o.identity.Seed()),
		key("X25519", o.prekey.PublicKey().Bytes(), o.prekey.Bytes()),
		nil,
	}
	ours := extension{Seal: o.seals}
	if all := o.prekeys(now); len(all) > 1 {
		previous := key("X25519", o.previous.PublicKey().Bytes(), o.previous.Bytes())
		ours.Previous, ours.Retired = &previous, o.retired.UTC().Format(time.RFC3339)
	}
	if ours != (extension{}) {
		file.Ours = &ours
	}
	return encode(file, "  ")
}

// parseOwn parses the file of private keys. Its errors quote nothing.
func parseOwn(data []byte) (*own, error) {
	file, err := parseObject(data)
	if err != nil {
		return nil, err
	}
	o := &own{}
	public, private, err := parsePrivate(file, "identity_key", "Ed25519")
	if err != nil {
		return nil, err
	}
	o.identity = ed25519.NewKeyFromSeed(private)
	if !bytes.Equal(o.identity.Public().(ed25519.PublicKey), public) {
		return nil, errors.New("identity_key: the public key is not that of the private key")
	}
	if o.prekey, err = parsePrekey(file, "signed_prekey"); err != nil {
		return nil, err
	}
	if o.prekeyID, err = prekeyID(o.prekey.PublicKey()); err != nil {
		return nil, err
	}
	if file["syftevent"] == nil {
		return o, nil
	}
	ours, ok := file.object("syftevent")
	if !ok || ours["seal"] != nil && json.Unmarshal(ours["seal"], &o.seals) != nil {
		return nil, errors.New("member syftevent is invalid")
	}
	if ours["previous_prekey"] == nil {
		return o, nil
	}
	if o.previous, err = parsePrekey(ours, "previous_prekey"); err != nil {
		return nil, err
	}
	if o.previousID, err = prekeyID(o.previous.PublicKey()); err != nil {
		return nil, err
	}
	retired, _ := ours.text("retired")
	if o.retired, err = time.Parse(time.RFC3339, retired); err != nil {
		return nil, errors.New("member syftevent is invalid")
	}
	return o, nil
}

func parsePrekey(o object, name string) (*ecdh.PrivateKey, error) {
	public, private, err := parsePrivate(o, name, "X25519")
	if err != nil {
		return nil, err
	}
	key, err := ecdh.X25519().NewPrivateKey(private)
	if err != nil || !bytes.Equal(key.PublicKey().Bytes(), public) {
		return nil, errors.New(name + ": the public key is not that of the private key")
	}
	return key, nil
}

func parsePrivate(o object, name, curve string) (public, private []byte, err error) {
	key, ok := o.object(name)
	if !ok {
		return nil, nil, errors.New(name + " is missing or not an object")
	}
	if err := checkJWK(key, curve); err != nil {
		return nil, nil, errors.New(name + ": " + err.Error())
	}
	public, _ = key.base64(base64URL, "x", keySize)
	if private, ok = key.base64(base64URL, "d", keySize); !ok {
		return nil, nil, errors.New(name + ": private key is not 32 bytes in base64url")
	}
	return public, private, nil
}
