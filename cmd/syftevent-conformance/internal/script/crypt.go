package script

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/x3dh"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

// crypt encrypts requests and decrypts responses (SPEC.md, section 19). The suite has the keys of
// all senders.
type crypt struct {
	*responses
	people map[string]*x3dh.Keys   // by address
	sent   map[string]*cryptedCall // by the name of the request
	owner  *x3dh.Public            // the server's keys when they were first read
}

// A cryptedCall is an encrypted request.
type cryptedCall struct {
	message  *x3dh.Message
	from     *x3dh.Keys // who has encrypted it
	envelope x3dh.Envelope
	seal     string
}

// documentOf returns the path of a person's DID document in the server's replica.
func (s *scene) documentOf(address string) string {
	return s.network.Server.Path(address + "/public/did.json")
}

// isOfKeys reports whether a file has keys, which the server and the suite write.
func (s *scene) isOfKeys(name string) bool {
	private := filepath.Join(filepath.Dir(s.network.Server.DataDir()), ".syftbox") + string(filepath.Separator)
	return len(name) > len(private) && name[:len(private)] == private || filepath.Base(filepath.Dir(name)) == "public" && filepath.Base(name) == "did.json"
}

func (c *crypt) person(address string) (*x3dh.Keys, error) {
	keys := c.people[address]
	if keys == nil {
		return nil, fmt.Errorf("there is no person %q", address)
	}
	return keys, nil
}

// commandPerson makes keys for a person, and writes a DID document.
func (c *crypt) commandPerson(ts *testscript.TestScript, args []string) error {
	var again, seals, forged bool
	var copied string
	flags := newFlags()
	flags.BoolVar(&again, "new", false, "")
	flags.BoolVar(&seals, "seals", false, "")
	flags.BoolVar(&forged, "forged", false, "")
	flags.StringVar(&copied, "copy", "", "")
	if flags.Parse(args) != nil || flags.NArg() != 1 {
		return errUsage
	}
	address := flags.Arg(0)
	id, keys := address, c.people[address]
	switch {
	case copied != "":
		other, err := c.person(copied)
		if err != nil {
			return err
		}
		id, keys = copied, other
	case keys == nil || again:
		var err error
		if keys, err = x3dh.NewKeys(address); err != nil {
			return err
		}
	}
	signer := keys
	if forged {
		fresh, err := x3dh.NewKeys(address)
		if err != nil {
			return err
		}
		signer, keys = fresh, &x3dh.Keys{Address: address, Identity: keys.Identity, Prekey: fresh.Prekey}
	}
	changed := *keys
	changed.Seals = seals
	c.people[address] = &changed
	name := c.documentOf(address)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	// SyftBox replaces files.
	temporary := name + ".tmp.1"
	if err := os.WriteFile(temporary, changed.Document(id, signer), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, name)
}

// maxDocument limits the size of a DID document, in bytes.
const maxDocument = 1 << 20

// readOwner returns the keys in the server's DID document.
func (c *crypt) readOwner() (x3dh.Public, error) {
	address := c.config.Names.Server
	expected := "a valid DID document in the server's datasite, public/did.json"
	info, err := os.Stat(c.documentOf(address))
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxDocument) {
		err = fmt.Errorf("it is not a file of up to %d bytes: %v, %d bytes", maxDocument, info.Mode(), info.Size())
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(c.documentOf(address))
	}
	if err != nil {
		return x3dh.Public{}, &mismatch{expected, err.Error(), false}
	}
	owner, err := x3dh.ParseDocument(data, address)
	if err != nil {
		return x3dh.Public{}, &mismatch{expected, fmt.Sprintf("%v: %s", err, excerpt(string(data))), false}
	}
	return owner, nil
}

// commandDocument checks the server's DID document, and that its keys are those of the last check.
func (c *crypt) commandDocument(ts *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return errUsage
	}
	owner, err := c.readOwner()
	if err != nil {
		return err
	}
	if before := c.owner; before != nil && (!before.Identity.Equal(owner.Identity) || !before.Prekey.Equal(owner.Prekey)) {
		return &mismatch{"the keys in the server's DID document are unchanged", "they are others now", false}
	}
	c.owner = &owner
	return nil
}

// commandPrivate checks the modes of the server's files of private keys.
func (c *crypt) commandPrivate(ts *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return errUsage
	}
	if runtime.GOOS == "windows" {
		return &notApplicable{"the system has no modes"}
	}
	names, err := filepath.Glob(filepath.Join(filepath.Dir(c.network.Server.DataDir()), ".syftbox", "*", "pvt.jwks.json"))
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return &notApplicable{"the server keeps its private keys elsewhere, not in .syftbox/*/pvt.jwks.json"}
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			return &mismatch{"only the owner may access the file of private keys", fmt.Sprintf("the mode of %s is %04o", filepath.Base(name), mode), false}
		}
	}
	return nil
}

// open waits for the response to an encrypted request and decrypts it.
func (c *crypt) open(name string) (*boxscript.Call, *reply, *openedReply, error) {
	call, err := c.call(name)
	if err != nil {
		return nil, nil, nil, err
	}
	sent := c.sent[name]
	if sent == nil {
		return nil, nil, nil, fmt.Errorf("request %q was not sent by encrypt", name)
	}
	data, err := c.await(call)
	if err != nil {
		return nil, nil, nil, err
	}
	got, err := parseReply(data)
	if err != nil {
		return nil, nil, nil, err
	}
	owner, err := c.readOwner()
	if err != nil {
		return nil, nil, nil, err
	}
	expected := fmt.Sprintf("a response to request %q whose body is a message from %s to %s", name, owner.Address, sent.from.Address)
	body, _, err := got.body()
	if err != nil {
		return nil, nil, nil, &mismatch{expected, err.Error(), false}
	}
	status := got.members["status_code"]
	m, err := x3dh.Parse(body)
	if err != nil {
		return nil, nil, nil, &mismatch{expected, fmt.Sprintf("status %s, body %s: %v", status, excerpt(string(body)), err), false}
	}
	if m.Sender != owner.Address || m.Receiver != sent.from.Address {
		return nil, nil, nil, &mismatch{expected, fmt.Sprintf("it is from %s to %s", m.Sender, m.Receiver), false}
	}
	text, secret, err := sent.from.Decrypt(m, owner)
	if err != nil {
		return nil, nil, nil, &mismatch{expected, fmt.Sprintf("status %s, and it cannot be decrypted: %v", status, err), false}
	}
	return call, got, &openedReply{sent, owner, m, secret, text}, nil
}

// An openedReply is a decrypted response.
type openedReply struct {
	sent    *cryptedCall
	owner   x3dh.Public
	message *x3dh.Message
	secret  x3dh.Secret
	text    []byte
}

// commandDecrypted judges a response as expect does, with the decrypted body.
func (c *crypt) commandDecrypted(neg bool, args []string) error {
	if len(args) < 2 {
		return errUsage
	}
	call, got, opened, err := c.open(args[0])
	if err != nil {
		return err
	}
	quoted, err := json.Marshal(base64.URLEncoding.EncodeToString(opened.text))
	if err != nil {
		return err
	}
	got.members["body"] = quoted
	data, err := json.Marshal(got.members)
	if err != nil {
		return err
	}
	return judge(call, data, neg, args[1:])
}

// commandSealed checks that the response has a seal that fits.
func (c *crypt) commandSealed(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	_, got, opened, err := c.open(args[0])
	if err != nil {
		return err
	}
	headers, _ := got.headers()
	status, _ := got.status()
	envelope := x3dh.Envelope{
		ID: opened.sent.envelope.ID, URL: opened.sent.envelope.URL, Headers: headers,
		Request: opened.sent.message.ID(), Status: status,
	}
	want := opened.secret.Seal(opened.message, opened.owner, opened.sent.from.Public(), envelope)
	for name, value := range headers {
		if name == x3dh.SealHeader && value == want {
			return nil
		}
	}
	return &mismatch{fmt.Sprintf("a response to request %q with the header %s: %s", args[0], x3dh.SealHeader, want),
		fmt.Sprintf("headers %s", got.members["headers"]), false}
}
