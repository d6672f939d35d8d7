package x3dh

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A vector was recorded from the Python package with fixed random numbers.
type vector struct {
	Alice, Bob struct {
		Email    string
		Identity string `json:"identity_ed25519_private"`
		Prekey   string `json:"spk_x25519_private"`
	}
	Ephemeral string `json:"ephemeral_x25519_private"`
	Shared    string `json:"ikm"`
	Key, IV   string
	Plaintext string `json:"plaintext_utf8"`
	Payload   string `json:"payload_json"`
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	data, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func x25519(t *testing.T, s string) *ecdh.PrivateKey {
	t.Helper()
	key, err := ecdh.X25519().NewPrivateKey(unhex(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// people returns the two persons of the vector.
func people(t *testing.T) (v vector, alice, bob *Keys) {
	t.Helper()
	if err := json.Unmarshal(read(t, "vector.json"), &v); err != nil {
		t.Fatal(err)
	}
	alice = &Keys{v.Alice.Email, ed25519.NewKeyFromSeed(unhex(t, v.Alice.Identity)), x25519(t, v.Alice.Prekey), false}
	bob = &Keys{v.Bob.Email, ed25519.NewKeyFromSeed(unhex(t, v.Bob.Identity)), x25519(t, v.Bob.Prekey), false}
	return v, alice, bob
}

func TestMessageIsThatOfThePythonPackage(t *testing.T) {
	v, alice, bob := people(t)
	ephemeral := x25519(t, v.Ephemeral)
	s, err := agree(bob.Prekey, ephemeral, alice.Prekey.PublicKey(), alice.Prekey.PublicKey())
	if err != nil || hex.EncodeToString(s.shared) != v.Shared || hex.EncodeToString(s.derive("X3DH-SyftBox", 32)) != v.Key {
		t.Fatalf("secret %x, %v", s.shared, err)
	}
	m, err := bob.encryptWith(s, ephemeral, alice.Public(), unhex(t, v.IV), []byte(v.Plaintext))
	if err != nil || string(m.Encode()) != v.Payload {
		t.Errorf("message\n%s, want\n%s; %v", m.Encode(), v.Payload, err)
	}
	m, err = Parse([]byte(v.Payload))
	if err != nil {
		t.Fatal(err)
	}
	if text, _, err := alice.Decrypt(m, bob.Public()); err != nil || string(text) != v.Plaintext {
		t.Errorf("text %q, %v", text, err)
	}
	m.Tag[0] ^= 1
	if text, _, err := alice.Decrypt(m, bob.Public()); err == nil {
		t.Errorf("an altered message is decrypted: %q", text)
	}
}

func TestDocumentIsThatOfThePythonPackage(t *testing.T) {
	_, alice, bob := people(t)
	for name, keys := range map[string]*Keys{"alice.did.json": alice, "bob.did.json": bob} {
		var want, got any
		if json.Unmarshal(read(t, name), &want) != nil || json.Unmarshal(keys.Document(keys.Address, keys), &got) != nil {
			t.Fatal("not JSON")
		}
		wantText, _ := json.Marshal(want)
		gotText, _ := json.Marshal(got)
		if !bytes.Equal(wantText, gotText) {
			t.Errorf("document\n%s, want\n%s", gotText, wantText)
		}
		if p, err := ParseDocument(read(t, name), keys.Address); err != nil || !p.Prekey.Equal(keys.Prekey.PublicKey()) || p.Seals {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseDocument(alice.Document(bob.Address, alice), alice.Address); err == nil {
		t.Error("another person's document is valid")
	}
	if _, err := ParseDocument(alice.Document(alice.Address, bob), alice.Address); err == nil {
		t.Error("a document with a wrong signature is valid")
	}
	alice.Seals = true
	if p, err := ParseDocument(alice.Document(alice.Address, alice), alice.Address); err != nil || !p.Seals {
		t.Errorf("a promise: %+v, %v", p, err)
	}
}

// The seals were computed by a program with the HMAC and HKDF of other libraries.
func TestSealIsThatOfTheSpecification(t *testing.T) {
	v, alice, bob := people(t)
	m, err := Parse([]byte(v.Payload))
	if err != nil {
		t.Fatal(err)
	}
	_, s, err := alice.Decrypt(m, bob.Public())
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(s.SealedIV()); got != "48e8f5f179b625e82e12d39e" {
		t.Errorf("iv of a sealed message %s", got)
	}
	from := bob.Public()
	from.Address = strings.ToUpper(from.Address)
	e := Envelope{
		ID: "11111111-2222-4333-8444-555555555555", URL: "syft://alice@example.org/app_data/demo/rpc//enc/?x=1#top", Method: "POST",
		Headers: map[string]string{"b": "\u00fc", "A": "1", "x-syft-seal": "?", "X-Syft-Decrypted": "?", "X-Syft-Original-Sender": "?"},
		Created: time.Date(2026, 1, 1, 0, 0, 0, 999, time.UTC), Expires: time.Date(2099, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3600)),
	}
	if got, want := s.Seal(m, from, alice.Public(), e), "1 wz2niQbJEGtqZ2lkXixnsq9h-q7vgs_QHlEPUHKrdEc"; got != want {
		t.Errorf("seal of the request %s, want %s", got, want)
	}
	e.Headers, e.Request, e.Status = nil, m.ID(), 201
	if got, want := s.Seal(m, from, alice.Public(), e), "1 C7d_okz88ibRtmi15ETi048Ls9feq-UwYGKZF8Ljxno"; got != want {
		t.Errorf("seal of the response %s, want %s", got, want)
	}
}

// A server under test writes what it likes.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"alice.did.json", "bob.did.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	keys, err := NewKeys("alice@example.org")
	if err != nil {
		f.Fatal(err)
	}
	m, _, err := keys.Encrypt(keys.Public(), []byte("x"), false)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Encode())
	f.Add([]byte("null"))
	f.Add([]byte(`{"id":"did:web:","verificationMethod":[{}],"keyAgreement":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := ParseDocument(data, "alice@example.org"); err == nil && (p.Prekey == nil || len(p.Identity) != ed25519.PublicKeySize) {
			t.Errorf("incomplete keys: %+v", p)
		}
		if m, err := Parse(data); err == nil {
			keys.Decrypt(m, keys.Public())
		}
	})
}
