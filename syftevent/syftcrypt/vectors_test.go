package syftcrypt

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// A vector is testdata/vector.json, recorded from the Python package with fixed random numbers.
type vector struct {
	Alice, Bob struct {
		Email    string
		Identity string `json:"identity_ed25519_public"`
		Prekey   string `json:"spk_x25519_private"`
	}
	Ephemeral       string `json:"ephemeral_x25519_private"`
	Static          string `json:"dh1_spkBob_spkAlice"`
	Fresh           string `json:"dh2_ekBob_spkAlice"`
	Key, IV         string
	Plaintext       string `json:"plaintext_utf8"`
	Ciphertext, Tag string
	Payload         string `json:"payload_json"`
	Partition       string `json:"key_dir_partition_alice"`
	KeyDir          string `json:"key_dir_alice"`
}

func readVector(t *testing.T) vector {
	t.Helper()
	var v vector
	if err := json.Unmarshal(testdata(t, "vector.json"), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	data, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func x25519(t testing.TB, s string) *ecdh.PrivateKey {
	t.Helper()
	key, err := ecdh.X25519().NewPrivateKey(unhex(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestMessageIsThatOfThePythonPackage(t *testing.T) {
	v := readVector(t)
	keys := deriveKeys(unhex(t, v.Static), unhex(t, v.Fresh))
	if got := hex.EncodeToString(keys.body.key[:]); got != v.Key {
		t.Errorf("key %s, want %s", got, v.Key)
	}
	alice, bob := x25519(t, v.Alice.Prekey), x25519(t, v.Bob.Prekey)
	m, _, err := encryptWith(x25519(t, v.Ephemeral), unhex(t, v.IV), bob, alice.PublicKey(), []byte(v.Plaintext))
	if err != nil {
		t.Fatal(err)
	}
	m.sender, m.receiver = v.Bob.Email, v.Alice.Email
	if got := string(m.encode()); got != v.Payload {
		t.Errorf("message\n%s, want\n%s", got, v.Payload)
	}
	parsed, err := parseMessage([]byte(v.Payload))
	if err != nil {
		t.Fatal(err)
	}
	body, _, err := parsed.decrypt(alice, bob.PublicKey())
	if err != nil || string(body) != v.Plaintext {
		t.Errorf("decrypt: %q, %v", body, err)
	}
}

func TestFilesAreThoseOfThePythonPackage(t *testing.T) {
	for name, address := range map[string]string{"alice": "alice@example.org", "bob": "bob+tag@example.org"} {
		private, public := testdata(t, name+".pvt.jwks.json"), testdata(t, name+".did.json")
		o, err := parseOwn(private)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.encode(o.retired); !bytes.Equal(got, bytes.TrimSpace(private)) {
			t.Errorf("private keys\n%s, want\n%s", got, private)
		}
		if got := encodeDocument(address, "syftbox.net", o); !bytes.Equal(got, bytes.TrimSpace(public)) {
			t.Errorf("document\n%s, want\n%s", got, public)
		}
		d, err := parseDocument(public, address)
		if err != nil || d.prekeyID != o.prekeyID || d.seals {
			t.Errorf("document of %s: %v", name, err)
		}
	}
}

func TestDirectoryOfPrivateKeysIsThatOfThePythonPackage(t *testing.T) {
	v := readVector(t)
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir, host, err := privateDir(&syftevent.Client{Email: v.Alice.Email, DataDir: filepath.Join(top, "SyftBox"), ServerURL: "https://syftbox.net"})
	if err != nil || host != "syftbox.net" {
		t.Fatalf("host %q, %v", host, err)
	}
	want := strings.TrimPrefix(filepath.FromSlash(filepath.Dir(v.KeyDir)), "alice"+string(filepath.Separator))
	if got, _ := filepath.Rel(top, dir); got != want {
		t.Errorf("directory %s, want %s", got, want)
	}
}

// The expected URLs were recorded from pydantic's AnyHttpUrl.
func TestServerURLIsThatOfThePythonPackage(t *testing.T) {
	for url, want := range map[string]string{
		"https://syftbox.net":       "https://syftbox.net/",
		"HTTPS://SyftBox.NET:443":   "https://syftbox.net/",
		"http://h:80/":              "http://h/",
		"http://h:8080":             "http://h:8080/",
		"https://h/a":               "https://h/a",
		"https://h/a/":              "https://h/a/",
		"http://[::1]:8080":         "http://[::1]:8080/",
		"http://1.2.3.4":            "http://1.2.3.4/",
		"https://h.":                "https://h./",
		"":                          "https://syftbox.openmined.org/",
		"https://h?x=1":             "refused",
		"https://u:p@h":             "refused",
		"https://b\u00fccher.de":    "refused",
		"https://h/a b":             "refused",
		"https://h/%41":             "refused",
		"https://h/a/../b":          "refused",
		"https://h#f":               "refused",
		" https://h":                "refused",
		"http://0x7f.1":             "refused",
		"ftp://h":                   "refused",
		"https://":                  "refused",
		"http://[::ffff:1.2.3.4]/":  "refused",
		"http://[fe80::1%25eth0]/x": "refused",
	} {
		got, _, err := pythonURL(url)
		if err != nil {
			got = "refused"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", url, got, want)
		}
	}
}

// The seals were computed by a program of a few lines with the HMAC and HKDF of other libraries.
func TestSealIsThatOfTheSpecification(t *testing.T) {
	v := readVector(t)
	a, b := x25519(t, v.Alice.Prekey), x25519(t, v.Bob.Prekey)
	m, err := parseMessage([]byte(v.Payload))
	if err != nil {
		t.Fatal(err)
	}
	_, keys, err := m.decrypt(a, b.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(keys.sealedIV); got != "48e8f5f179b625e82e12d39e" {
		t.Errorf("iv of a sealed message %s", got)
	}
	p := parties{
		sender: "BOB+tag@Example.org", senderIdentity: unhex(t, v.Bob.Identity), senderPrekey: b.PublicKey().Bytes(),
		receiver: v.Alice.Email, receiverIdentity: unhex(t, v.Alice.Identity), receiverPrekey: a.PublicKey().Bytes(),
	}
	u, err := syftevent.ParseURL("syft://alice@example.org/app_data/demo/rpc//enc/?x=1#top")
	if err != nil {
		t.Fatal(err)
	}
	req := &syftevent.Request{
		ID: "11111111-2222-4333-8444-555555555555", URL: u, Method: "POST",
		Headers: syftevent.Headers{"b": "\u00fc", "A": "1", "x-syft-seal": "?", "X-Syft-Decrypted": "?", "X-Syft-Original-Sender": "?"},
		Created: time.Date(2026, 1, 1, 0, 0, 0, 999, time.UTC), Expires: time.Date(2099, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3600)),
	}
	if got, want := keys.sealRequest(p, m, req), "1 wz2niQbJEGtqZ2lkXixnsq9h-q7vgs_QHlEPUHKrdEc"; got != want {
		t.Errorf("seal of the request %s, want %s", got, want)
	}
	if got, want := keys.sealResponse(p, m, m.id(), req.ID, u, 201, nil), "1 C7d_okz88ibRtmi15ETi048Ls9feq-UwYGKZF8Ljxno"; got != want {
		t.Errorf("seal of the response %s, want %s", got, want)
	}
}
