package script

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/x3dh"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

// An encryption holds the arguments of "encrypt". Those from keys on are what an attacker does.
type encryption struct {
	name, endpoint, body string
	from, method         string
	seal                 bool
	headers              map[string]string

	keys, claim, receiver, to string
	message                   string
	strip                     bool
	alter, cut                string
	added                     map[string]string
	changed                   string
}

func parseEncryption(args []string) (*encryption, error) {
	e := &encryption{headers: map[string]string{}, added: map[string]string{}}
	flags := newFlags()
	flags.StringVar(&e.from, "from", "", "")
	flags.StringVar(&e.method, "method", "POST", "")
	flags.BoolVar(&e.seal, "seal", false, "")
	headerVar(flags, "header", e.headers)
	flags.StringVar(&e.keys, "keys", "", "")
	flags.StringVar(&e.claim, "claim", "", "")
	flags.StringVar(&e.receiver, "receiver", "", "")
	flags.StringVar(&e.to, "to", "", "")
	flags.StringVar(&e.message, "message", "", "")
	flags.BoolVar(&e.strip, "strip", false, "")
	flags.StringVar(&e.alter, "alter", "", "")
	flags.StringVar(&e.cut, "cut", "", "")
	headerVar(flags, "added", e.added)
	flags.StringVar(&e.changed, "changed", "", "")
	if flags.Parse(args) != nil || flags.NArg() < 2 || flags.NArg() > 3 || e.from == "" {
		return nil, errUsage
	}
	e.name, e.endpoint, e.body = flags.Arg(0), strings.Trim(flags.Arg(1), "/"), flags.Arg(2)
	return e, nil
}

// commandEncrypt sends an encrypted request.
func (c *crypt) commandEncrypt(ts *testscript.TestScript, args []string) error {
	e, err := parseEncryption(args)
	if err != nil {
		return err
	}
	sent, err := c.encrypt(e)
	if err != nil {
		return err
	}
	body := sent.message.Encode()
	if e.cut == "message" {
		body = body[:len(body)/2]
	}
	headers := maps.Clone(e.headers)
	if sent.seal != "" && !e.strip {
		headers[x3dh.SealHeader] = sent.seal
	}
	maps.Copy(headers, e.added)
	const layout = `"2006-01-02T15:04:05.000000Z"`
	send := []string{"send", "-from", e.from, "-method", cmp.Or(e.changed, e.method), "-stem", sent.envelope.ID,
		"-set", fmt.Sprintf("body=%q", base64.URLEncoding.EncodeToString(body)),
		"-set", "created=" + sent.envelope.Created.Format(layout), "-set", "expires=" + sent.envelope.Expires.Format(layout)}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		send = append(send, "-header", name+": "+headers[name])
	}
	c.sent[e.name] = sent
	began := time.Now()
	send = append(send, e.name, e.endpoint)
	boxscript.Commands()["box"](ts, false, send)
	c.delivered(send, began)
	return nil
}

// encrypt makes the message of a request.
func (c *crypt) encrypt(e *encryption) (*cryptedCall, error) {
	owner, err := c.readOwner()
	if err != nil {
		return nil, err
	}
	from, err := c.person(cmp.Or(e.keys, e.from))
	if err != nil {
		return nil, err
	}
	to := owner
	if e.to != "" {
		other, err := c.person(e.to)
		if err != nil {
			return nil, err
		}
		to = other.Public()
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	sent := &cryptedCall{from: from, envelope: x3dh.Envelope{
		ID:      fmt.Sprintf("%08x-0000-4000-b000-%012d", uint32(c.config.Seed), c.nextNumber()),
		URL:     "syft://" + c.config.Names.Server + "/app_data/" + c.config.Names.App + "/rpc/" + e.endpoint,
		Headers: e.headers, Method: e.method, Created: now, Expires: now.Add(15 * time.Minute),
	}}
	if e.message != "" {
		earlier := c.sent[e.message]
		if earlier == nil {
			return nil, fmt.Errorf("request %q was not sent by encrypt", e.message)
		}
		copied := *earlier.message
		sent.message, sent.seal = &copied, earlier.seal
		return sent, alter(sent.message, e.alter, e.cut)
	}
	m, secret, err := from.Encrypt(to, []byte(e.body), e.seal || e.strip)
	if err != nil {
		return nil, err
	}
	m.Sender, m.Receiver = cmp.Or(e.claim, e.from), cmp.Or(e.receiver, owner.Address)
	sender := from.Public()
	sender.Address = m.Sender
	if e.seal {
		sent.seal = secret.Seal(m, sender, to, sent.envelope)
	}
	sent.message = m
	return sent, alter(m, e.alter, e.cut)
}

// alter changes a bit of a member of a message, or removes its last byte.
func alter(m *x3dh.Message, changed, shortened string) error {
	members := map[string]*[]byte{"ek": &m.EK, "iv": &m.IV, "ciphertext": &m.Ciphertext, "tag": &m.Tag}
	if changed != "" {
		// X25519 ignores the last bit of a key.
		name, last := strings.CutSuffix(changed, ".last")
		member := members[name]
		if member == nil || len(*member) == 0 {
			return fmt.Errorf("encrypt: no member %q to alter", changed)
		}
		data, at := slices.Clone(*member), 0
		if last {
			at = len(data) - 1
		}
		data[at] ^= 0x80
		*member = data
	}
	if shortened != "" && shortened != "message" {
		member := members[shortened]
		if member == nil || len(*member) == 0 {
			return fmt.Errorf("encrypt: no member %q to cut", shortened)
		}
		*member = (*member)[:len(*member)-1]
	}
	return nil
}
