package mutant

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// A cryptography is the owner's keys, and what is known of other people. It is nil without the
// option "encryption".
type cryptography struct {
	defect
	email, datasites string
	dir              string // of the private keys
	keys             keyPair

	mu    sync.Mutex
	known map[string]knownPerson // by address
	used  map[string]string      // requests by the ids of messages, both in hexadecimal digits
}

// A knownPerson is what earlier messages have said.
type knownPerson struct {
	Identity []byte
	Seals    bool
}

// newCryptography loads or makes the owner's keys, and publishes them.
func newCryptography(d defect, s settings) (*cryptography, error) {
	sum := sha256.Sum256([]byte(s.email))
	c := &cryptography{
		defect: d, email: s.email, datasites: filepath.Join(s.dataDir, "datasites"),
		dir:   filepath.Join(filepath.Dir(filepath.Clean(s.dataDir)), ".syftbox", hex.EncodeToString(sum[:4])),
		known: map[string]knownPerson{}, used: map[string]string{},
	}
	if err := c.loadKeys(); err != nil {
		return nil, err
	}
	if !c.has("crypt-forgets-people") {
		c.load("people.json", &c.known)
	}
	if !c.has("crypt-forgets-messages") {
		c.load("messages.json", &c.used)
	}
	if c.has("seal-forgets-promises") {
		for address, person := range c.known {
			c.known[address] = knownPerson{person.Identity, false}
		}
	}
	if c.has("crypt-no-document") {
		return c, nil
	}
	document := c.keys.document(c.email)
	if c.has("crypt-bad-document") {
		document = c.keys.document("somebody@example.com")
	}
	return c, c.writeFile(filepath.Join(c.datasites, c.email, "public", "did.json"), document, 0o644)
}

func (c *cryptography) loadKeys() error {
	var file map[string]jwk
	c.load("pvt.jwks.json", &file)
	decode := func(name string) []byte {
		key, _ := base64.RawURLEncoding.DecodeString(file[name].D) // a missing key decodes to an empty one
		return key
	}
	identity, prekey := decode("identity_key"), decode("signed_prekey")
	if len(identity) != ed25519.SeedSize || c.has("crypt-new-keys") {
		identity, prekey = make([]byte, ed25519.SeedSize), make([]byte, 32)
		rand.Read(identity) // never fails
		rand.Read(prekey)
	} else if c.has("crypt-new-prekey") {
		rand.Read(prekey)
	}
	c.keys.identity = ed25519.NewKeyFromSeed(identity)
	var err error
	if c.keys.prekey, err = ecdh.X25519().NewPrivateKey(prekey); err != nil {
		return fmt.Errorf("load keys: %w", err)
	}
	data, err := json.Marshal(map[string]jwk{
		"identity_key":  {Kty: "OKP", Crv: "Ed25519", X: keyText(c.keys.public().identity), D: keyText(identity)},
		"signed_prekey": {Kty: "OKP", Crv: "X25519", X: keyText(c.keys.prekey.PublicKey().Bytes()), D: keyText(prekey)},
	})
	if err != nil {
		return fmt.Errorf("encode keys: %w", err)
	}
	mode := fs.FileMode(0o600)
	if c.has("crypt-open-keys") {
		mode = 0o644
	}
	return c.writeFile(filepath.Join(c.dir, "pvt.jwks.json"), data, mode)
}

// load reads a file beside the private keys, if there is one.
func (c *cryptography) load(name string, into any) {
	if data, err := os.ReadFile(filepath.Join(c.dir, name)); err == nil {
		json.Unmarshal(data, into) // the server has written it
	}
}

func (c *cryptography) save(name string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return c.writeFile(filepath.Join(c.dir, name), data, 0o600)
}

// writeFile replaces a file.
func (c *cryptography) writeFile(name string, data []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("create directory of %s: %w", filepath.Base(name), err)
	}
	temporary := name + ".tmp"
	if err := errors.Join(os.WriteFile(temporary, data, mode), os.Rename(temporary, name)); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(name), err)
	}
	return nil
}

// An openedMessage is a decrypted request.
type openedMessage struct {
	*message
	text   []byte
	from   publicKeys
	sealed bool
}

// open decrypts a request and decides whether it may run.
func (c *cryptography) open(file requestFile, req *request) (*openedMessage, error) {
	m, err := c.parseMessage(req.body)
	switch {
	case err != nil:
		return nil, err
	case !strings.EqualFold(m.Receiver, c.email) && !c.has("crypt-any-receiver"):
		return nil, errors.New("message for another person")
	case !strings.EqualFold(m.Sender, file.sender) && !c.has("crypt-any-sender"):
		return nil, errors.New("message of another person")
	case strings.ContainsAny(m.Sender, `/\`) || !strings.Contains(m.Sender, "@"):
		return nil, errors.New("sender is not an address")
	}
	data, err := os.ReadFile(filepath.Join(c.datasites, m.Sender, "public", "did.json"))
	if err != nil {
		return nil, fmt.Errorf("read DID document: %w", err)
	}
	from, err := c.readDocument(data, m.Sender)
	if err != nil {
		return nil, err
	}
	opened := &openedMessage{message: m, from: from}
	c.mu.Lock()
	defer c.mu.Unlock()
	address := strings.ToLower(m.Sender)
	known, isKnown := c.known[address]
	if isKnown && string(known.Identity) != string(from.identity) && !c.has("crypt-any-key") {
		return nil, errors.New("identity key changed")
	}
	var keys messageKeys
	if opened.text, keys, err = c.decrypt(m, from.prekey); err != nil {
		return nil, err
	}
	promised := from.seals || known.Seals && !c.has("seal-promise-now")
	if opened.sealed, err = c.checkSeal(opened, keys, req, promised); err != nil {
		return nil, err
	}
	if err := c.use(m, req); err != nil {
		return nil, err
	}
	c.known[address] = knownPerson{from.identity, promised}
	return opened, c.save("people.json", c.known)
}

// use records that a message is part of a request.
func (c *cryptography) use(m *message, req *request) error {
	id := m.id()
	if c.has("crypt-replay-forms") {
		id += string(m.EK)
	}
	key, request := hex.EncodeToString([]byte(id)), hex.EncodeToString([]byte(req.id))
	if other, used := c.used[key]; used && other != request && !c.has("crypt-replay") {
		return errors.New("message is part of another request")
	}
	c.used[key] = request
	return c.save("messages.json", c.used)
}

// checkSeal compares the seal of a request, and reports whether it has one.
func (c *cryptography) checkSeal(m *openedMessage, keys messageKeys, req *request, promised bool) (bool, error) {
	got := ""
	for name, value := range req.headers {
		if strings.EqualFold(name, sealHeader) {
			got = value
		}
	}
	s := sealed{
		id: req.id, url: req.url, headers: req.headers, sender: m.Sender, method: req.method,
		created: req.created.UnixMicro(), expires: req.expires.UnixMicro(), from: m.Sender, to: c.email,
	}
	fits := func(s sealed) bool {
		return hmac.Equal([]byte(got), []byte(keys.sealOf(m.message, m.from, c.keys.public(), s)))
	}
	switch {
	case c.has("seal-ignored"):
		return got != "", nil
	case got != "" && (fits(s) || c.fitsAltered(s, fits)):
		return true, nil
	case got != "":
		return false, errors.New("wrong seal")
	case promised && !c.has("seal-stripped"), string(m.IV) == string(keys.iv) && !c.has("seal-any-iv") && !c.has("seal-stripped"):
		return false, errors.New("missing seal")
	}
	return false, nil
}

// fitsAltered reports whether a defect does not notice what was changed after the seal was made.
func (c *cryptography) fitsAltered(s sealed, fits func(sealed) bool) bool {
	if c.has("seal-method") {
		for _, s.method = range methods {
			if fits(s) {
				return true
			}
		}
	}
	if c.has("seal-headers") {
		for name := range s.headers {
			fewer := maps.Clone(s.headers)
			delete(fewer, name)
			s := s
			if s.headers = fewer; fits(s) {
				return true
			}
		}
	}
	return false
}

// reply encrypts the reply to a request.
func (c *cryptography) reply(r reply, to *openedMessage, req *request) (reply, error) {
	prekey := to.from.prekey
	if c.has("crypt-answers-owner") {
		prekey = c.keys.prekey.PublicKey()
	}
	m, keys, err := c.keys.encrypt(prekey, r.body)
	if err != nil {
		return r, err
	}
	m.Sender, m.Receiver = c.email, to.Sender
	headers := maps.Clone(r.headers)
	if headers == nil {
		headers = map[string]string{}
	}
	if !c.has("seal-no-response") {
		headers[sealHeader] = keys.sealOf(m, c.keys.public(), to.from, sealed{
			id: req.id, url: req.url, headers: r.headers, request: to.id(), status: r.status, from: c.email, to: to.Sender,
		})
	}
	if r.body, err = json.Marshal(m); err != nil {
		return r, fmt.Errorf("encode message: %w", err)
	}
	r.headers = headers
	return r, nil
}

// encryptedPrefix begins the endpoints that demand encryption.
const encryptedPrefix = "encrypted/"

// handleEncrypted runs a request to an endpoint that demands encryption. vouched reports whether it
// has a header that says that it was encrypted.
func (s *server) handleEncrypted(file requestFile, req *request, h handler, vouched bool) reply {
	_, malformed := s.crypt.parseMessage(req.body)
	if malformed != nil && (s.has("crypt-plain") || vouched && s.has("crypt-vouched")) {
		return s.finish(run(h, call{req, nil}))
	}
	opened, err := s.crypt.open(file, req)
	if err != nil {
		if malformed == nil && s.has("crypt-as-is") {
			return s.finish(run(h, call{req, nil}))
		}
		s.log.Warn("request refused", "err", err)
		if s.has("crypt-status") {
			return s.errorReply(fmt.Errorf("open message: %w", err))
		}
		return s.errorReply(refuse(403, "Encrypted request refused"))
	}
	given := *req
	given.body, given.headers = opened.text, maps.Clone(req.headers)
	given.headers["X-Syft-Decrypted"], given.headers["X-Syft-Original-Sender"] = "true", opened.Sender
	if s.has("crypt-body") {
		given.body = req.body
	}
	r, failed := run(h, call{&given, nil})
	answer := s.finish(r, failed)
	if s.has("crypt-plain-answer") || failed != nil && s.has("crypt-plain-fail") {
		return answer
	}
	encrypted, err := s.crypt.reply(answer, opened, req)
	if err != nil {
		return s.errorReply(err)
	}
	return encrypted
}
