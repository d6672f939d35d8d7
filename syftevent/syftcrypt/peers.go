package syftcrypt

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// maxPeers limits the number of people who are trusted on first use.
	maxPeers = 4096
	// maxRetired is the number of replaced prekeys that are remembered of a person.
	maxRetired = 64
)

// A Peer is a person with keys.
type Peer struct {
	// Address is the e-mail address.
	Address string
	// Fingerprint is that of the person's [Keys.Fingerprint].
	Fingerprint string
	// Trusted reports whether the fingerprint was given to [Keys.Trust].
	Trusted bool
	// Known reports whether the identity key was recorded earlier: a document with
	// another one is refused.
	Known bool
	// Seals reports whether the person promises to seal every message. Messages without a seal
	// are then refused.
	Seals bool
}

// fingerprint returns 160 bits of the hash of an address, an identity key and the promise to seal,
// in groups of four hexadecimal digits. It has the promise because whoever can replace a document
// can remove the promise from it.
func fingerprint(address string, identity ed25519.PublicKey, seals bool) string {
	kind := "open"
	if seals {
		kind = "seals"
	}
	sum := sha256.Sum256(append([]byte("syftevent fingerprint 1\x00"+canonicalAddress(address)+"\x00"+kind+"\x00"), identity...))
	text := hex.EncodeToString(sum[:20])
	var groups []string
	for ; text != ""; text = text[4:] {
		groups = append(groups, text[:4])
	}
	return strings.Join(groups, " ")
}

// sameFingerprint compares fingerprints without case, spaces, colons and hyphens.
func sameFingerprint(a, b string) bool {
	strip := strings.NewReplacer(" ", "", "-", "", ":", "", "\t", "", "\n", "")
	return strings.EqualFold(strip.Replace(a), strip.Replace(b))
}

// A record is what is remembered of a person, in a file of its own. The prekeys are IDs, see
// prekeyID.
type record struct {
	Address  string   `json:"address"`
	Identity []byte   `json:"identity"`
	Prekey   []byte   `json:"prekey"`
	Retired  [][]byte `json:"retired,omitempty"`
	Seals    bool     `json:"seals"`
	Trusted  bool     `json:"trusted"`
}

// parseRecord parses the file of a record.
func parseRecord(data []byte) (*record, error) {
	bad := errors.New("malformed record")
	o, err := parseObject(data)
	if err != nil {
		return nil, bad
	}
	var r record
	var ok [3]bool
	r.Address, ok[0] = o.text("address")
	r.Identity, ok[1] = o.base64(base64.StdEncoding, "identity", ed25519.PublicKeySize)
	r.Prekey, ok[2] = o.base64(base64.StdEncoding, "prekey", keySize)
	if ok != [3]bool{true, true, true} || !isAddress(r.Address) ||
		json.Unmarshal(o["seals"], &r.Seals) != nil || json.Unmarshal(o["trusted"], &r.Trusted) != nil ||
		o["retired"] != nil && json.Unmarshal(o["retired"], &r.Retired) != nil || len(r.Retired) > maxRetired {
		return nil, bad
	}
	return &r, nil
}

// peersDir is the directory of the records.
func (k *Keys) peersDir() string { return filepath.Join(k.s.dir, peersName) }

// recordName is the name of the record of a person.
func recordName(address string) string {
	sum := sha256.Sum256([]byte(canonicalAddress(address)))
	return hex.EncodeToString(sum[:16]) + ".json"
}

// record reads what is remembered of a person, nil if nothing is. Damaged records are errors:
// to ignore one would be to trust the next document.
func (k *Keys) record(address string) (*record, error) {
	data, _, err := readPrivate(k.peersDir(), recordName(address))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := parseRecord(data)
	if err == nil && !sameAddress(r.Address, address) {
		err = errors.New("record of another address")
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(k.peersDir(), recordName(address)), err)
	}
	return r, nil
}

// A peer is a person whose document agrees with what is remembered.
type peer struct {
	address  string
	identity ed25519.PublicKey
	prekey   *ecdh.PublicKey
	prekeyID [keySize]byte
	seals    bool
	trusted  bool
	self     bool    // the user
	old      *record // nil if nothing is remembered
}

// peer returns the keys of a person. It records nothing: see remember.
func (k *Keys) peer(address string, o *own) (*peer, error) {
	if !isAddress(address) {
		return nil, fmt.Errorf("%w: %q is not an e-mail address", ErrBadDocument, address)
	}
	if sameAddress(address, k.s.client.Email) {
		return &peer{address: address, identity: o.identity.Public().(ed25519.PublicKey), prekey: o.prekey.PublicKey(), prekeyID: o.prekeyID,
			seals: o.seals, trusted: true, self: true}, nil
	}
	d, err := readDocument(k.s.client, address)
	if err != nil {
		return nil, err
	}
	r, err := k.record(address)
	if err != nil {
		return nil, err
	}
	p := &peer{address: address, identity: d.identity, prekey: d.prekey, prekeyID: d.prekeyID, seals: d.seals, old: r}
	if r != nil {
		if err := p.agrees(r); err != nil {
			return nil, err
		}
		p.seals, p.trusted = p.seals || r.Seals, r.Trusted
	}
	if !p.trusted && k.s.requireTrust.Load() {
		return nil, fmt.Errorf("%w: %s has %s", ErrUntrusted, address, fingerprint(address, d.identity, p.seals))
	}
	if bytes.Equal(d.identity, o.identity.Public().(ed25519.PublicKey)) || d.prekeyID == o.prekeyID ||
		o.previous != nil && o.previousID == d.prekeyID {
		return nil, fmt.Errorf("%w: %s has the keys of %s", ErrSharedKey, address, k.s.client.Email)
	}
	return p, nil
}

// agrees returns an error if the keys of p contradict a record.
func (p *peer) agrees(r *record) error {
	if !bytes.Equal(r.Identity, p.identity) {
		return fmt.Errorf("%w: the DID document of %s has %s, and had %s before", ErrKeyChanged, p.address,
			fingerprint(p.address, p.identity, p.seals), fingerprint(p.address, r.Identity, r.Seals))
	}
	for _, retired := range r.Retired {
		if bytes.Equal(retired, p.prekeyID[:]) {
			return fmt.Errorf("%w: DID document of %s", ErrRetiredKey, p.address)
		}
	}
	return nil
}

// same reports whether the record has nothing to learn from p.
func (r *record) same(p *peer) bool {
	return bytes.Equal(r.Identity, p.identity) && bytes.Equal(r.Prekey, p.prekeyID[:]) && r.Seals == p.seals && r.Trusted == p.trusted
}

// remember records the keys of a person, if they are new. If force is set, the user vouches for
// them.
func (k *Keys) remember(p *peer, force bool) error {
	if p.self || !force && p.old != nil && p.old.same(p) {
		return nil
	}
	k.s.peersMu.Lock()
	defer k.s.peersMu.Unlock()
	old, err := k.record(p.address) // may be newer than p.old
	if !force {
		if err != nil {
			return err
		}
		if old != nil {
			if err := p.agrees(old); err != nil {
				return err
			}
			p.seals, p.trusted = p.seals || old.Seals, p.trusted || old.Trusted
		}
	}
	if old == nil || !bytes.Equal(old.Prekey, p.prekeyID[:]) {
		if err := k.checkOthers(p, old); err != nil {
			return err
		}
	}
	r := &record{Address: p.address, Identity: p.identity, Prekey: p.prekeyID[:], Seals: p.seals, Trusted: p.trusted}
	if old != nil && bytes.Equal(old.Identity, p.identity) {
		r.Retired = slices.DeleteFunc(slices.Clone(old.Retired), func(id []byte) bool { return bytes.Equal(id, p.prekeyID[:]) })
		if !bytes.Equal(old.Prekey, p.prekeyID[:]) {
			r.Retired = append(r.Retired[max(0, len(r.Retired)+1-maxRetired):], old.Prekey)
		}
	}
	err = writePrivate(k.peersDir(), recordName(p.address), encode(r, "  "), old == nil && !force)
	if errors.Is(err, fs.ErrExist) {
		// Another process was first: its record counts.
		if old, err = k.record(p.address); err == nil && old != nil {
			err = p.agrees(old)
		}
		return err
	}
	if err != nil {
		return fmt.Errorf("record keys of %s: %w", p.address, err)
	}
	p.old = r
	return nil
}

// checkOthers returns an error if another person has, or had, the same key and neither of the two
// promises to seal messages, or if too many people are known. Sealed messages name their sender, and
// cannot pass for others.
func (k *Keys) checkOthers(p *peer, old *record) error {
	entries, err := os.ReadDir(k.peersDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if old == nil && !p.trusted && len(entries) >= maxPeers {
		return fmt.Errorf("%w: %d people are known, which is the limit", ErrUntrusted, len(entries))
	}
	if p.seals {
		return nil // a seal names the sender and the receiver
	}
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".json" || entry.Name() == recordName(p.address) {
			continue
		}
		data, _, err := readPrivate(k.peersDir(), entry.Name())
		if err != nil {
			continue // removed meanwhile, or damaged: whoever it belongs to gets an error
		}
		if r, err := parseRecord(data); err == nil && !r.Seals && (r.hasPrekey(p.prekeyID) || bytes.Equal(r.Identity, p.identity)) {
			return fmt.Errorf("%w: %s has a key of %s", ErrSharedKey, p.address, r.Address)
		}
	}
	return nil
}

// hasPrekey reports whether a prekey is, or was, the person's.
func (r *record) hasPrekey(id [keySize]byte) bool {
	return bytes.Equal(r.Prekey, id[:]) || slices.ContainsFunc(r.Retired, func(retired []byte) bool { return bytes.Equal(retired, id[:]) })
}

// Peer returns what the DID document of a person says, if it agrees with what is known. It does
// not record anything.
func (k *Keys) Peer(address string) (Peer, error) {
	p, err := k.peer(address, k.current())
	if err != nil {
		return Peer{}, fmt.Errorf("syftcrypt: keys of %s: %w", address, err)
	}
	return Peer{Address: address, Fingerprint: fingerprint(address, p.identity, p.seals), Trusted: p.trusted, Known: p.self || p.old != nil, Seals: p.seals}, nil
}

// Trust records the identity key and the promise to seal that the DID document of a person has now,
// if it has the given fingerprint, even if other ones were recorded. Get the fingerprint from the person, not over
// SyftBox. Spaces and case in it do not matter. It returns [ErrFingerprint] if it differs.
func (k *Keys) Trust(address, want string) error {
	fail := func(err error) error { return fmt.Errorf("syftcrypt: trust %s: %w", address, err) }
	d, err := readDocument(k.s.client, address)
	if err != nil {
		return fail(err)
	}
	if got := fingerprint(address, d.identity, d.seals); !sameFingerprint(got, want) {
		return fail(fmt.Errorf("%w: the DID document has %s", ErrFingerprint, got))
	}
	p := &peer{address: address, identity: d.identity, prekey: d.prekey, prekeyID: d.prekeyID, seals: d.seals, trusted: true}
	if err := k.remember(p, true); err != nil {
		return fail(err)
	}
	return nil
}

// Forget removes what is recorded of a person. The next DID document is then trusted, unless
// [Keys.RequireTrust] is set.
func (k *Keys) Forget(address string) error {
	k.s.peersMu.Lock()
	defer k.s.peersMu.Unlock()
	err := os.Remove(filepath.Join(k.peersDir(), recordName(address)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("syftcrypt: forget %s: %w", address, err)
	}
	return nil
}
