package syftcrypt

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestCreateOnce(t *testing.T) {
	w := newWorld(t)
	k := w.keys(alice)
	print := k.Fingerprint()
	if _, err := Create(w.client(alice)); !errors.Is(err, ErrKeysExist) {
		t.Errorf("error %v", err)
	}
	again, err := Load(w.client(alice))
	if err != nil || again.Fingerprint() != print {
		t.Errorf("%v, %v", again, err)
	}
	// Another machine, to which SyftBox has brought the document.
	os.RemoveAll(filepath.Join(w.dir, ".syftbox"))
	if _, err := LoadOrCreate(w.client(alice)); !errors.Is(err, ErrKeysExist) {
		t.Errorf("error %v", err)
	}
	if _, err := Load(w.client(alice)); !errors.Is(err, ErrNoPrivateKeys) {
		t.Errorf("error %v", err)
	}
	replaced, err := Replace(w.client(alice))
	if err != nil || replaced.Fingerprint() == print {
		t.Errorf("%v, %v", replaced, err)
	}
	if _, err := Load(w.client(alice)); err != nil {
		t.Error(err)
	}
}

func TestLoadComparesTheDocument(t *testing.T) {
	w := newWorld(t)
	k := w.keys(alice)
	w.keys(bob)
	document := w.read(alice)
	for name, data := range map[string][]byte{
		"of another person": w.read(bob),
		"other keys":        bytes.ReplaceAll(w.read(bob), []byte("bob%40"), []byte("alice%40")),
		"malformed":         []byte("{"),
		"empty":             {},
	} {
		w.write(alice, data)
		loaded, err := Load(w.client(alice))
		if !errors.Is(err, ErrNotPublished) || loaded == nil {
			t.Errorf("%s: error %v", name, err)
		}
	}
	// The log says why nobody's messages can be decrypted any more.
	b := w.keys(bob)
	w.write(alice, encodeDocument(alice, "syftbox.net", w.keys(mallory).s.own.Load()))
	req, _ := w.prepare(b, "x")
	w.refused(w.guard(k), req, 403, "decryption failed")
	if !strings.Contains(w.log.String(), "identity key differs") {
		t.Errorf("log %s", &w.log)
	}
	if err := k.Publish(); err != nil || !bytes.Equal(w.read(alice), document) {
		t.Errorf("published\n%s, %v", w.read(alice), err)
	}
	// The Python package writes a document without the promise if it is missing.
	os.Remove(w.document(alice))
	if _, err := Load(w.client(alice)); err != nil || !bytes.Equal(w.read(alice), document) {
		t.Errorf("published\n%s, %v", w.read(alice), err)
	}
}

func TestRefusesExposedKeys(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no mode bits")
	}
	w := newWorld(t)
	k := w.keys(alice)
	name := filepath.Join(k.s.dir, privateName)
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o666, 0o610} {
		os.Chmod(name, mode)
		if _, err := Load(w.client(alice)); !errors.Is(err, ErrExposed) {
			t.Errorf("mode %o: error %v", mode, err)
		}
	}
	os.Chmod(name, 0o600)
	os.Chmod(k.s.dir, 0o777)
	if _, err := Load(w.client(alice)); !errors.Is(err, ErrExposed) {
		t.Errorf("error %v", err)
	}
	os.Chmod(k.s.dir, 0o755)
	if _, err := Load(w.client(alice)); err != nil {
		t.Error(err)
	}
	// A link may lead to a file that others can write.
	os.Rename(name, name+".real")
	os.Symlink(name+".real", name)
	if _, err := Load(w.client(alice)); err == nil {
		t.Error("followed a symbolic link")
	}
}

func TestRefusesBadPrivateKeys(t *testing.T) {
	good := string(testdata(t, "alice.pvt.jwks.json"))
	d := "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
	for _, test := range [][2]string{
		{d, "AgEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}, // another private key
		{d, d[:42]}, {d, d + "="}, {d, d[:42] + "F"}, {d, "!" + d[1:]},
		{`"Ed25519"`, `"X25519"`}, {`"X25519"`, `"P-256"`}, {`"OKP"`, `"EC"`},
		{`"identity_key"`, `"Identity_key"`}, {`"signed_prekey"`, `"identity_key"`}, {`"d"`, `"D"`},
		{"\n}", "\n} x"}, {"{", "[{"},
	} {
		bad := strings.Replace(good, test[0], test[1], 1)
		o, err := parseOwn([]byte(bad))
		if err == nil || o != nil {
			t.Errorf("accepted %s", bad)
			continue
		}
		if strings.Contains(err.Error(), "AQEB") {
			t.Errorf("error quotes the key: %v", err)
		}
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	w := newWorld(t)
	k := w.keys(alice)
	o := k.s.own.Load()
	secrets := [][]byte{o.identity.Seed(), o.prekey.Bytes()}
	key := secret{(*[keySize]byte)(o.prekey.Bytes())}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "keys", k, "value", *k, "secret", key)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "keys", k, "value", *k, "secret", key, "struct", struct{ K *Keys }{k})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%T"} {
		fmt.Fprintf(&log, verb+"\n", k)
		fmt.Fprintf(&log, verb+"\n", *k)
		fmt.Fprintf(&log, verb+"\n", key)
		fmt.Fprintf(&log, verb+"\n", []any{key, &key, k, struct{ k Keys }{*k}, struct{ k *Keys }{k}, &Client{Keys: k}, &Guard{Keys: k}})
	}
	data, err := json.Marshal([]any{k, *k, key, &Client{Keys: k}})
	if err != nil {
		t.Fatal(err)
	}
	log.Write(data)
	text := log.String()
	for _, s := range secrets {
		for _, form := range []string{string(s), hex.EncodeToString(s), strings.ToUpper(hex.EncodeToString(s)), base64URL.EncodeToString(s),
			strings.Trim(fmt.Sprint(s), "[]"), fmt.Sprintf("%q", s), strings.Trim(fmt.Sprintf("%#v", s), "[]byte{}")} {
			if strings.Contains(text, form) {
				t.Errorf("a key is printed as %s:\n%s", form, text)
			}
		}
	}
	if !strings.Contains(text, k.Fingerprint()) {
		t.Error("the fingerprint is not printed")
	}
}

func TestRotatePrekey(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	g := w.guard(a)
	before, beforeFuture := w.prepare(b, "before")
	print := a.Fingerprint()
	old := w.read(alice)
	// Another process rotates the keys.
	other, err := Load(w.client(alice))
	if err != nil {
		t.Fatal(err)
	}
	if err := other.RotatePrekey(); err != nil {
		t.Fatal(err)
	}
	if a.Fingerprint() != print || bytes.Equal(old, w.read(alice)) {
		t.Error("the fingerprint changed, or the document did not")
	}
	w.answered(g, before, beforeFuture, "before")
	after, afterFuture := w.prepare(b, "after")
	w.answered(g, after, afterFuture, "after")

	// SyftBox's server brings back the old document.
	w.write(alice, old)
	c := &Client{Client: b.s.client, Keys: b}
	if _, _, err := c.prepare(w.request("x")); !errors.Is(err, ErrRetiredKey) {
		t.Errorf("error %v", err)
	}
	// A document of the previous prekey is an interrupted rotation.
	if _, err := Load(w.client(alice)); err != nil || bytes.Equal(old, w.read(alice)) {
		t.Errorf("error %v", err)
	}

	// The previous prekey is dropped after a day.
	o := a.current()
	if len(o.prekeys(time.Now())) != 2 || len(o.prekeys(time.Now().Add(25*time.Hour))) != 1 {
		t.Error("the previous prekey has a wrong lifetime")
	}
	if late, err := parseOwn(o.encode(time.Now().Add(25 * time.Hour))); err != nil || late.previous != nil {
		t.Errorf("the previous prekey is still in the file, %v", err)
	}

	// A client whose keys are rotated can still read responses on the way.
	req, future := w.prepare(b, "x")
	if err := b.RotatePrekey(); err != nil {
		t.Fatal(err)
	}
	w.refused(g, req, 403, "decryption failed") // the sender's old prekey
	req, future = w.prepare(b, "x")
	response := w.serve(g, req)
	if err := b.RotatePrekey(); err != nil {
		t.Fatal(err)
	}
	if got, err := future.receive(response); err != nil || got.Text() != "x" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestForgedDocuments(t *testing.T) {
	w := newWorld(t)
	a, b, m := w.keys(alice), w.keys(bob), w.keys(mallory)
	g := w.guard(a)
	c := &Client{Client: b.s.client, Keys: b}
	req, future := w.prepare(b, "x")
	w.answered(g, req, future, "x")
	genuine := w.read(bob)

	// Someone who controls SyftBox's server gives Bob's address keys of his own.
	forged := encodeDocument(bob, "syftbox.net", m.s.own.Load())
	w.write(bob, forged)
	attacker := &Keys{&state{client: w.client(bob), host: "syftbox.net", dir: m.s.dir}}
	attacker.s.own.Store(m.s.own.Load())
	req, _ = w.prepare(attacker, "forged")
	req.Sender = bob
	w.refused(g, req, 403, "identity key changed")
	if !strings.Contains(w.log.String(), b.Fingerprint()) {
		t.Errorf("the log does not have the fingerprints: %s", &w.log)
	}
	if _, err := a.Peer(bob); !errors.Is(err, ErrKeyChanged) {
		t.Errorf("error %v", err)
	}

	// Trust accepts only the fingerprint that Bob says.
	if err := a.Trust(bob, b.Fingerprint()); !errors.Is(err, ErrFingerprint) {
		t.Errorf("error %v", err)
	}
	w.write(bob, genuine)
	if err := a.Trust(bob, strings.ToUpper(strings.ReplaceAll(b.Fingerprint(), " ", "-"))); err != nil {
		t.Error(err)
	}
	if p, err := a.Peer(bob); err != nil || p != (Peer{bob, b.Fingerprint(), true, true, true}) {
		t.Errorf("%+v, %v", p, err)
	}

	// The promise to seal cannot be taken back by removing it from the document.
	without := *b.s.own.Load()
	without.seals = false
	w.write(bob, encodeDocument(bob, "syftbox.net", &without))
	req, _ = w.unsealed(b, "x")
	w.refused(g, req, 403, "seal")
	w.write(bob, genuine)

	// The server's document is forged or gone: nothing is sent.
	server := w.read(alice)
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"forged":     {encodeDocument(alice, "syftbox.net", m.s.own.Load()), ErrKeyChanged},
		"of mallory": {w.read(mallory), ErrBadDocument},
		"of bob":     {bytes.ReplaceAll(genuine, []byte("bob%40"), []byte("alice%40")), ErrBadDocument},
		"truncated":  {server[:len(server)-3], ErrBadDocument},
		"huge":       {append(bytes.Repeat([]byte(" "), maxDocument), server...), ErrBadDocument},
	} {
		w.write(alice, test.data)
		if _, _, err := c.prepare(w.request("x")); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	os.Remove(w.document(alice))
	if _, _, err := c.prepare(w.request("x")); !errors.Is(err, ErrNoDocument) {
		t.Errorf("error %v", err)
	}
	os.Symlink(w.document(mallory), w.document(alice))
	if _, _, err := c.prepare(w.request("x")); err == nil {
		t.Error("followed a symbolic link")
	}
}

// A document of a person whose key nobody recorded yet, with one thing wrong.
func TestRefusesBadDocuments(t *testing.T) {
	t.Run("promise", func(t *testing.T) { testBadDocuments(t, true) })
	t.Run("no promise", func(t *testing.T) { testBadDocuments(t, false) })
}

func testBadDocuments(t *testing.T, seals bool) {
	o, err := newOwn()
	if err != nil {
		t.Fatal(err)
	}
	o.seals = seals
	good := encodeDocument(bob, "syftbox.net", o)
	if _, err := parseDocument(good, bob); err != nil {
		t.Fatal(err)
	}
	other, _ := newOwn()
	x := func(o *own) string { return base64URL.EncodeToString(o.prekey.PublicKey().Bytes()) }
	id := func(o *own) string { return base64URL.EncodeToString(o.identity.Public().(ed25519.PublicKey)) }
	for name, replace := range map[string][2]string{
		"other address":     {`"id": "did:web:syftbox.net:bob%40example.org"`, `"id": "did:web:syftbox.net:alice%40example.org"`},
		"no did":            {`"id": "did:web:syftbox.net:bob`, `"id": "did:key:bob`},
		"prekey":            {x(o), x(other)},
		"identity":          {id(o), id(other)},
		"curve":             {`"X25519"`, `"Ed25519"`},
		"identity curve":    {`"Ed25519"`, `"X25519"`},
		"type":              {`"OKP"`, `"EC"`},
		"low order":         {x(o), base64URL.EncodeToString(make([]byte, 32))},
		"short":             {x(o), x(o)[:40]},
		"no signature":      {`"signature"`, `"Signature"`},
		"promise":           {`"syftevent_seal": "`, `"syftevent_seal": "A`},
		"key id":            {`#signed-prekey`, `#other`},
		"identity id":       {`#identity-key`, `#other`},
		"no keys":           {`"keyAgreement"`, `"KeyAgreement"`},
		"duplicate":         {`"keyAgreement"`, `"verificationMethod"`},
		"invalid UTF-8":     {`"@context"`, "\"\xff\""},
		"key before it":     {`"keyAgreement": [`, `"keyAgreement": [{"id":"#signed-prekey","publicKeyJwk":{"kty":"OKP","crv":"X25519","x":"` + x(other) + `"}},`},
		"something else":    {`"keyAgreement": [`, `"keyAgreement": [1,`},
		"identity, 2nd use": {`"verificationMethod": [`, `"verificationMethod": [{"id":"#identity-key","publicKeyJwk":{"kty":"OKP","crv":"Ed25519","x":"` + id(other) + `"}},`},
	} {
		bad := bytes.Replace(good, []byte(replace[0]), []byte(replace[1]), 1)
		if bytes.Equal(bad, good) {
			if name == "promise" && !seals {
				continue
			}
			t.Errorf("%s: nothing replaced", name)
		}
		if _, err := parseDocument(bad, bob); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	// The promise of another address.
	if !seals {
		return
	}
	if _, err := parseDocument(bytes.ReplaceAll(good, []byte("bob%40"), []byte("alice%40")), alice); err == nil {
		t.Error("accepted the promise of another address")
	}
}

func TestWeakKeys(t *testing.T) {
	if len(weakIdentities) != 7 {
		t.Fatal("no weak identities")
	}
	// A signature with R = 1 and S = 0 fits a part of all messages exactly if the order of the
	// key is low.
	forges := func(key []byte) bool {
		signature := make([]byte, ed25519.SignatureSize)
		signature[0] = 1
		for i := range 256 {
			if ed25519.Verify(key, []byte{byte(i)}, signature) {
				return true
			}
		}
		return false
	}
	for _, weak := range weakIdentities {
		if !isWeakIdentity(weak) || !forges(weak) {
			t.Errorf("%x is not weak", weak)
		}
	}
	o, _ := newOwn()
	if key := o.identity.Public().(ed25519.PublicKey); isWeakIdentity(key) || forges(key) {
		t.Error("a random key is weak")
	}
	// Anyone can sign under it.
	id := base64URL.EncodeToString(o.identity.Public().(ed25519.PublicKey))
	signature := base64URL.EncodeToString(ed25519.Sign(o.identity, o.prekey.PublicKey().Bytes()))
	document := string(encodeDocument(bob, "syftbox.net", o))
	document = strings.Replace(document, id, base64URL.EncodeToString(weakIdentities[1]), 1)
	document = strings.Replace(document, signature, base64URL.EncodeToString(append([]byte{1}, make([]byte, 63)...)), 1)
	if _, err := parseDocument([]byte(document), bob); !errors.Is(err, errWeakKey) {
		t.Errorf("error %v", err)
	}
	// The points of low order of RFC 7748, section 6.1, and their other encodings.
	for _, point := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	} {
		key, err := ecdh.X25519().NewPublicKey(unhex(t, point))
		if err != nil {
			continue
		}
		if _, err := prekeyID(key); !errors.Is(err, errWeakKey) {
			t.Errorf("%s: error %v", point, err)
		}
		if _, _, err := newMessage(o.prekey, key, nil); !errors.Is(err, errWeakKey) {
			t.Errorf("%s: error %v", point, err)
		}
		m := &message{ephemeral: key.Bytes(), iv: make([]byte, ivSize), tag: make([]byte, tagSize)}
		if _, _, err := m.decrypt(o.prekey, o.prekey.PublicKey()); !errors.Is(err, errWeakKey) {
			t.Errorf("%s: error %v", point, err)
		}
	}
}

// Mallory publishes Bob's prekey as his own, signed with his own identity key, to send Bob's
// messages as his.
func TestRefusesKeysOfAnotherPerson(t *testing.T) {
	w := newWorld(t)
	a, b, m := w.keys(alice), w.pythonKeys(bob), w.pythonKeys(mallory)
	g := w.guard(a)
	req, future := w.unsealed(b, "bid 5")
	w.answered(g, req, future, "bid 5")
	publish := func(prekey []byte) {
		t.Helper()
		fake := *m.s.own.Load()
		doc := string(encodeDocument(mallory, "syftbox.net", &fake))
		doc = strings.Replace(doc, base64URL.EncodeToString(fake.prekey.PublicKey().Bytes()), base64URL.EncodeToString(prekey), 1)
		doc = strings.Replace(doc, base64URL.EncodeToString(ed25519.Sign(fake.identity, fake.prekey.PublicKey().Bytes())),
			base64URL.EncodeToString(ed25519.Sign(fake.identity, prekey)), 1)
		w.write(mallory, []byte(doc))
	}
	own := b.s.own.Load().prekey.PublicKey().Bytes()
	disguised := bytes.Clone(own)
	disguised[31] |= 0x80 // the bit that X25519 ignores
	for _, prekey := range [][]byte{own, disguised} {
		publish(prekey)
		second, _ := w.unsealed(b, "bid 5")
		member("sender", to(mallory))(second)
		second.Sender = mallory
		w.refused(g, second, 403, "another person")
	}
	// Alice's own key.
	publish(a.s.own.Load().prekey.PublicKey().Bytes())
	if _, err := a.Peer(mallory); !errors.Is(err, ErrSharedKey) {
		t.Errorf("error %v", err)
	}
}

func TestRequireTrust(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	g := w.guard(a)
	a.RequireTrust(true)
	req, future := w.prepare(b, "x")
	w.refused(g, req, 403, "not trusted")
	if err := a.Trust(bob, b.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	w.answered(g, req, future, "x")
	if err := a.Forget(bob); err != nil {
		t.Fatal(err)
	}
	req, _ = w.prepare(b, "y")
	w.refused(g, req, 403, "not trusted")
}

// A failed forgery does not record anything: otherwise the first forged document would be
// trusted for ever.
func TestRecordsOnlyWhoHasTheKey(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	g := w.guard(a)
	req, future := w.prepare(b, "x")
	altered := *req
	altered.Body = []byte(string(req.Body))
	member("tag", raw(flip(0)))(&altered)
	w.refused(g, &altered, 403, "decryption failed")
	if p, err := a.Peer(bob); err != nil || p.Known {
		t.Errorf("%+v, %v", p, err)
	}
	w.answered(g, req, future, "x")
	if p, err := a.Peer(bob); err != nil || !p.Known {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestDamagedRecordIsNotFirstUse(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	g := w.guard(a)
	req, future := w.prepare(b, "x")
	w.answered(g, req, future, "x")
	name := filepath.Join(a.peersDir(), recordName(bob))
	if err := os.WriteFile(name, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	req, future = w.prepare(b, "x")
	w.refused(g, req, 503, "not available")
	if err := a.Trust(bob, b.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	w.answered(g, req, future, "x")
}

func TestConcurrentUse(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	g := &Guard{Keys: a, Logger: slog.New(slog.DiscardHandler)}
	done := make(chan error)
	for i := range 8 {
		go func() {
			for j := range 20 {
				if i == 0 && j%5 == 0 {
					if err := a.RotatePrekey(); err != nil {
						done <- err
						return
					}
				}
				c := &Client{Client: b.s.client, Keys: b}
				req, future, err := c.prepare(w.request("x"))
				if errors.Is(err, ErrRetiredKey) {
					continue // another goroutine has seen the next prekey
				}
				if err != nil {
					done <- err
					return
				}
				req.Sender = bob
				response := w.serveQuietly(g, req)
				if got, err := future.receive(response); err != nil {
					// The prekey is more than one rotation old.
					if response.StatusCode != 403 || i != 0 && j == 0 {
						done <- fmt.Errorf("%v %v", got, err)
						return
					}
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
