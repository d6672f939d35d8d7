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
	maxRetired = 1024
	// maxDisputed is the number of prekeys of others that are remembered of a person.
	maxDisputed = 16
	// shortID is the number of bytes of the ID of a prekey in the lists of a record.
	shortID = 16
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
// prekeyID, in lists only the beginnings of IDs.
//
// A prekey is proven if the person has sent an authentic message with it. Everyone can publish a
// document with the prekey of somebody else, so that a prekey that is not proven does not keep
// another person from using it.
type record struct {
	Address  string `json:"address"`
	Identity []byte `json:"identity"`
	Prekey   []byte `json:"prekey"`
	Proven   bool   `json:"proven"`
	// Retired are replaced prekeys that were proven, and Passed those that were not.
	Retired [][]byte `json:"retired,omitempty"`
	Passed  [][]byte `json:"passed,omitempty"`
	// Disputed are prekeys that belong to people who were given to Trust.
	Disputed [][]byte `json:"disputed,omitempty"`
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
		json.Unmarshal(o["seals"], &r.Seals) != nil || json.Unmarshal(o["trusted"], &r.Trusted) != nil {
		return nil, bad
	}
	// Earlier versions did not tell whether a key was proven, and had whole IDs in lists.
	if r.Proven = true; o["proven"] != nil && json.Unmarshal(o["proven"], &r.Proven) != nil {
		return nil, bad
	}
	for name, into := range map[string]*[][]byte{"retired": &r.Retired, "passed": &r.Passed, "disputed": &r.Disputed} {
		if o[name] != nil && json.Unmarshal(o[name], into) != nil {
			return nil, bad
		}
		for i, id := range *into {
			if len(id) != shortID && len(id) != keySize {
				return nil, bad
			}
			(*into)[i] = id[:shortID]
		}
	}
	if len(r.Retired)+len(r.Passed) > maxRetired || len(r.Disputed) > maxDisputed {
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

// mark is an empty file that shows that there is a record of a person. It is in another directory
// than the record, so that removing the records is noticed.
func (k *Keys) mark(address string) string {
	return filepath.Join(k.s.dir, knownName, strings.TrimSuffix(recordName(address), ".json"))
}

func (k *Keys) isMarked(address string) bool {
	_, err := os.Lstat(k.mark(address))
	return !errors.Is(err, fs.ErrNotExist)
}

// setMark creates the mark of a person.
func (k *Keys) setMark(address string) error {
	name := k.mark(address)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// record reads what is remembered of a person, nil if nothing is. Damaged and missing records are
// errors: to ignore that would be to trust the next document.
func (k *Keys) record(address string) (*record, error) {
	data, _, err := readPrivate(k.peersDir(), recordName(address))
	for range 3 { // others may make or remove the record and its mark in between
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
		if !k.isMarked(address) {
			return nil, nil
		}
		data, _, err = readPrivate(k.peersDir(), recordName(address))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s of %s", ErrRecordMissing, filepath.Join(k.peersDir(), recordName(address)), address)
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
	proven   bool    // an authentic message was received with the prekey
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
	switch {
	case hasID(r.Retired, p.prekeyID), hasID(r.Passed, p.prekeyID):
		return fmt.Errorf("%w: DID document of %s", ErrRetiredKey, p.address)
	case hasID(r.Disputed, p.prekeyID):
		return fmt.Errorf("%w: DID document of %s", ErrSharedKey, p.address)
	}
	return nil
}

// hasID reports whether the list of a record has a prekey.
func hasID(list [][]byte, id [keySize]byte) bool {
	return slices.ContainsFunc(list, func(short []byte) bool { return bytes.Equal(short, id[:shortID]) })
}

// same reports whether the record has nothing to learn from p.
func (r *record) same(p *peer) bool {
	return bytes.Equal(r.Identity, p.identity) && bytes.Equal(r.Prekey, p.prekeyID[:]) && r.Seals == p.seals && r.Trusted == p.trusted &&
		(r.Proven || !p.proven)
}

// replace adds the prekey of an earlier record of the same person to those that were replaced.
func (r *record) replace(old *record, now [keySize]byte) {
	without := func(list [][]byte) [][]byte {
		return slices.DeleteFunc(slices.Clone(list), func(id []byte) bool { return bytes.Equal(id, now[:shortID]) })
	}
	r.Retired, r.Passed, r.Disputed = without(old.Retired), without(old.Passed), without(old.Disputed)
	if bytes.Equal(old.Prekey, now[:]) {
		r.Proven = r.Proven || old.Proven
		return
	}
	if old.Proven {
		r.Retired = append(r.Retired, old.Prekey[:shortID])
	} else {
		r.Passed = append(r.Passed, old.Prekey[:shortID])
	}
	if len(r.Retired)+len(r.Passed) > maxRetired { // the user has vouched for this prekey
		r.Retired, r.Passed = r.Retired[len(r.Retired)/2:], r.Passed[len(r.Passed)/2:]
	}
}

// remember records the keys of a person, if they are new. If force is set, the user vouches for
// them.
func (k *Keys) remember(p *peer, force bool) error {
	if p.self || !force && p.old != nil && p.old.same(p) && k.isMarked(p.address) {
		return nil
	}
	unlock, err := k.lockPeers()
	if err != nil {
		return err
	}
	defer unlock()
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
	changes := old == nil || !bytes.Equal(old.Prekey, p.prekeyID[:])
	if changes || force || p.proven && !old.Proven {
		if err := k.checkOthers(p, old, force); err != nil {
			return err
		}
	}
	if changes && !force && old != nil && len(old.Retired)+len(old.Passed) >= maxRetired {
		return fmt.Errorf("%w: %s has replaced the prekey %d times, which is the limit", ErrUntrusted, p.address, maxRetired)
	}
	r := &record{Address: p.address, Identity: p.identity, Prekey: p.prekeyID[:], Proven: p.proven, Seals: p.seals, Trusted: p.trusted}
	if old != nil && bytes.Equal(old.Identity, p.identity) {
		r.replace(old, p.prekeyID)
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
	if err := k.setMark(p.address); err != nil {
		return fmt.Errorf("record keys of %s: %w", p.address, err)
	}
	p.old = r
	return nil
}

// lockPeers keeps others, also other processes, from changing records until unlock.
func (k *Keys) lockPeers() (unlock func(), err error) {
	k.s.peersMu.Lock()
	release, err := k.s.lock(true)
	if err != nil {
		k.s.peersMu.Unlock()
		return nil, err
	}
	return func() {
		release()
		k.s.peersMu.Unlock()
	}, nil
}

// prove records that a person has the prekey with which the user has called the person.
func (k *Keys) prove(to *peer) error {
	if to.self || to.old != nil && to.old.Proven && bytes.Equal(to.old.Prekey, to.prekeyID[:]) {
		return nil
	}
	unlock, err := k.lockPeers()
	if err != nil {
		return err
	}
	defer unlock()
	r, err := k.record(to.address)
	if err != nil || r == nil || r.Proven || !bytes.Equal(r.Identity, to.identity) || !bytes.Equal(r.Prekey, to.prekeyID[:]) {
		return err // forgotten, or replaced since the call
	}
	proven := *to
	proven.seals, proven.trusted, proven.proven = to.seals || r.Seals, r.Trusted, true
	if err := k.checkOthers(&proven, r, false); err != nil {
		return err
	}
	r.Proven = true
	if err := writePrivate(k.peersDir(), recordName(to.address), encode(r, "  "), false); err != nil {
		return fmt.Errorf("record keys of %s: %w", to.address, err)
	}
	return nil
}

// checkOthers returns an error if another person has, or had, the same key and neither of the two
// promises to seal messages, or if too many people are known. Sealed messages name their sender, and
// cannot pass for others. If force is set, the user vouches for p, and disputes the key of others for
// whom the user has not vouched.
func (k *Keys) checkOthers(p *peer, old *record, force bool) error {
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
		r, err := parseRecord(data)
		if err != nil || r.Seals || !r.shares(p, force) {
			continue
		}
		if !force || r.Trusted {
			return fmt.Errorf("%w: %s has a key of %s", ErrSharedKey, p.address, r.Address)
		}
		r.Disputed = append(r.Disputed[max(0, len(r.Disputed)+1-maxDisputed):], p.prekeyID[:shortID])
		if err := writePrivate(k.peersDir(), entry.Name(), encode(r, "  "), false); err != nil {
			return fmt.Errorf("record keys of %s: %w", r.Address, err)
		}
	}
	return nil
}

// shares reports whether a person has, or had, a key of p, and has proven that or is trusted. If all
// is set, the proof does not matter.
func (r *record) shares(p *peer, all bool) bool {
	if hasID(r.Disputed, p.prekeyID) {
		return false // the user knows better
	}
	return (all || r.Proven || r.Trusted) && (bytes.Equal(r.Prekey, p.prekeyID[:]) || bytes.Equal(r.Identity, p.identity)) ||
		hasID(r.Retired, p.prekeyID)
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
// if it has the given fingerprint, even if other ones were recorded or the record is damaged or missing.
// Get the fingerprint from the person, not over SyftBox. Spaces and case in it do not matter. If another
// person who was not given to Trust has the same prekey, that person's messages are refused from now on.
//
// It returns [ErrFingerprint] if the fingerprint differs, and [ErrSharedKey] if somebody else who was
// given to Trust has the same key.
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
	unlock, err := k.lockPeers()
	if err != nil {
		return fmt.Errorf("syftcrypt: forget %s: %w", address, err)
	}
	defer unlock()
	// The mark first: a record without one is still used.
	for _, name := range []string{k.mark(address), filepath.Join(k.peersDir(), recordName(address))} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("syftcrypt: forget %s: %w", address, err)
		}
	}
	return nil
}
