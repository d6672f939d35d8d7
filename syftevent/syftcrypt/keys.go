package syftcrypt

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// Keys are the keys of one person on this machine, and what is known of other people's keys.
// [Create], [Load] and [LoadOrCreate] return them. They print as the fingerprint, never as the
// keys. The methods may be called concurrently.
//
// The private keys are in the file of the Python package, outside of SyftBox's folder:
// .syftbox/<hash of server and address>/pvt.jwks.json beside it. If another process replaces the
// file, the next message uses the new keys.
type Keys struct{ s *state }

type state struct {
	client *syftevent.Client
	host   string // of SyftBox's server
	dir    string // of the private keys

	own          atomic.Pointer[own]
	requireTrust atomic.Bool
	replays      replays
	seen         seen

	mu      sync.Mutex // serializes changes of own keys, with lock
	peersMu sync.Mutex // serializes changes of the records of others, with lock

	lockBusy func() // for tests: called while another process has the lock
}

// Create makes keys for the user of a client, stores the private keys on this machine, and
// publishes the DID document in the user's datasite. The document promises that every message of
// the user has a seal; see [Keys.PromiseSeals].
//
// It returns [ErrKeysExist] if there are private keys or a DID document, and [ErrExposed] like
// [Load]. On a new machine, first
// let SyftBox synchronize, and copy the file of private keys from the old machine.
//
// Others refuse the user's messages until SyftBox has carried the DID document to them, which takes
// some seconds.
func Create(c *syftevent.Client) (*Keys, error) {
	k, err := newKeys(c)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{documentName, conflictName} {
		if _, err := os.Lstat(filepath.Join(c.Datasite(), filepath.FromSlash(name))); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("syftcrypt: create keys: %w: %s is in the datasite", ErrKeysExist, name)
		}
	}
	if err := checkParents(k.s.dir); err != nil {
		return nil, fmt.Errorf("syftcrypt: create keys: %w", err)
	}
	o, err := newOwn()
	if err != nil {
		return nil, fmt.Errorf("syftcrypt: create keys: %w", err)
	}
	o.seals = true
	err = writePrivate(k.s.dir, privateName, o.encode(time.Now()), true)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("syftcrypt: create keys: %w: %s", ErrKeysExist, filepath.Join(k.s.dir, privateName))
	}
	if err != nil {
		return nil, fmt.Errorf("syftcrypt: create keys: %w", err)
	}
	return Load(c)
}

// Load reads the keys of the user of a client. It publishes the DID document if it is missing.
//
// It returns [ErrNoPrivateKeys] if there are none, and [ErrExposed] if other users of the machine
// can read or replace them, because of the mode or the owner of the file or of a folder on the way to
// it. It does not check that on Windows, and knows no access control lists.
//
// It returns the keys and [ErrNotPublished] if the DID document has other keys: it is forged, or
// another machine of the user has made other keys. Nobody can then exchange messages with the
// user. [Keys.Publish] replaces the document.
func Load(c *syftevent.Client) (*Keys, error) {
	k, err := load(c)
	if err != nil {
		return nil, err
	}
	publish, err := k.compareDocument(k.current())
	if errors.Is(err, ErrNotPublished) {
		// Another process may have changed the keys in between.
		if unlock, lockErr := k.s.lock(true); lockErr == nil {
			publish, err = k.compareDocument(k.current())
			unlock()
		}
	}
	if err != nil {
		return k, fmt.Errorf("syftcrypt: load keys: %w", err)
	}
	if publish {
		return k, k.Publish()
	}
	return k, nil
}

// compareDocument returns ErrNotPublished if the user's DID document has other keys. publish
// reports whether it only is not up to date.
func (k *Keys) compareDocument(o *own) (publish bool, err error) {
	published, err := readDocument(k.s.client, k.s.client.Email)
	switch {
	case errors.Is(err, ErrNoDocument):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("%w: %w", ErrNotPublished, err)
	case !bytes.Equal(published.identity, o.identity.Public().(ed25519.PublicKey)):
		return false, fmt.Errorf("%w: its identity key differs", ErrNotPublished)
	case published.prekeyID != o.prekeyID && !o.wasPrekey(published):
		return false, fmt.Errorf("%w: its prekey differs", ErrNotPublished)
	}
	// RotatePrekey or PromiseSeals was interrupted, or the Python package wrote the document.
	return published.prekeyID != o.prekeyID || published.seals != o.seals, nil
}

// LoadOrCreate loads the keys of the user of a client, and creates them if there are neither
// private keys nor a DID document.
func LoadOrCreate(c *syftevent.Client) (*Keys, error) {
	k, err := Load(c)
	if !errors.Is(err, ErrNoPrivateKeys) {
		return k, err
	}
	k, err = Create(c)
	if errors.Is(err, ErrKeysExist) {
		// Another process may have been first.
		if other, err := Load(c); !errors.Is(err, ErrNoPrivateKeys) {
			return other, err
		}
	}
	return k, err
}

// Replace makes new keys, after the old ones were lost or stolen, or [Load] returned
// [ErrNotPublished]. The fingerprint changes: everyone who knows the user has to give the new one
// to [Keys.Trust]. Messages that were encrypted with the old keys cannot be decrypted any more.
func Replace(c *syftevent.Client) (*Keys, error) {
	k, err := newKeys(c)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*Keys, error) { return nil, fmt.Errorf("syftcrypt: replace keys: %w", err) }
	if err := checkParents(k.s.dir); err != nil {
		return fail(err)
	}
	o, err := newOwn()
	if err != nil {
		return fail(err)
	}
	o.seals = true
	unlock, err := k.s.lock(true)
	if err != nil {
		return fail(err)
	}
	defer unlock()
	if err := writePrivate(k.s.dir, privateName, o.encode(time.Now()), false); err != nil {
		return fail(err)
	}
	if err := k.reload(); err != nil {
		return fail(err)
	}
	return k, k.publish()
}

// newKeys returns Keys without own keys.
func newKeys(c *syftevent.Client) (*Keys, error) {
	if c == nil || !isAddress(c.Email) || c.DataDir == "" {
		return nil, errors.New("syftcrypt: the client has no valid Email or DataDir")
	}
	dir, host, err := privateDir(c)
	if err != nil {
		return nil, fmt.Errorf("syftcrypt: %w", err)
	}
	return &Keys{&state{client: c, host: host, dir: dir}}, nil
}

func load(c *syftevent.Client) (*Keys, error) {
	k, err := newKeys(c)
	if err != nil {
		return nil, err
	}
	if err := k.reload(); err != nil {
		return nil, fmt.Errorf("syftcrypt: load keys: %w", err)
	}
	return k, nil
}

// reload reads the file of private keys.
func (k *Keys) reload() error {
	if err := checkParents(k.s.dir); err != nil {
		return err
	}
	data, info, err := readPrivate(k.s.dir, privateName)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is missing", ErrNoPrivateKeys, filepath.Join(k.s.dir, privateName))
	}
	if err != nil {
		return err
	}
	o, err := parseOwn(data)
	if err != nil {
		return fmt.Errorf("parse %s: %w", filepath.Join(k.s.dir, privateName), err)
	}
	o.info = info
	k.s.own.Store(o)
	return nil
}

// current returns the own keys, read again if the file has changed. If the file is missing or
// unusable, the keys that were loaded last stay in use.
func (k *Keys) current() *own {
	o := k.s.own.Load()
	info, err := os.Lstat(filepath.Join(k.s.dir, privateName))
	changed := err == nil && (o.info == nil || !os.SameFile(info, o.info) || !info.ModTime().Equal(o.info.ModTime()) || info.Size() != o.info.Size())
	if changed && k.reload() == nil {
		o = k.s.own.Load()
	}
	if o.hasExpired() && k.removePrevious() == nil {
		o = k.s.own.Load()
	}
	return o
}

// hasExpired reports whether there is a previous prekey that is not used any more.
func (o *own) hasExpired() bool { return o.previous != nil && len(o.prekeys(time.Now())) == 1 }

// removePrevious removes a previous prekey that has expired: whoever steals the keys must not find
// it. It returns an error if the keys are being changed, which removes it too.
func (k *Keys) removePrevious() error {
	if !k.s.mu.TryLock() {
		return errors.New("keys are being changed")
	}
	defer k.s.mu.Unlock()
	unlock, err := k.s.lock(false)
	if err != nil {
		return err
	}
	defer unlock()
	if err := k.reload(); err != nil {
		return err
	}
	o := k.s.own.Load()
	if !o.hasExpired() {
		return nil
	}
	if err := writePrivate(k.s.dir, privateName, o.encode(time.Now()), false); err != nil {
		return err
	}
	return k.reload()
}

// wasPrekey reports whether a document has the previous prekey.
func (o *own) wasPrekey(d *document) bool {
	if o.previous == nil {
		return false
	}
	return o.previousID == d.prekeyID
}

// Publish writes the user's DID document, whatever is there.
func (k *Keys) Publish() error {
	unlock, err := k.s.lock(true)
	if err != nil {
		return fmt.Errorf("syftcrypt: publish DID document: %w", err)
	}
	defer unlock()
	return k.publish()
}

// publish is Publish with the lock.
func (k *Keys) publish() error {
	if err := writeDocument(k.s.client, encodeDocument(k.s.client.Email, k.s.host, k.current())); err != nil {
		return fmt.Errorf("syftcrypt: publish DID document: %w", err)
	}
	return nil
}

// RotatePrekey replaces the prekey, with which messages are encrypted, and publishes it. The
// identity key and the fingerprint stay the same. Messages that were encrypted with the old prekey are
// decrypted for another day, unless the prekey is rotated again. The next use of the keys after that,
// or the next [Load], removes the old prekey: who steals the keys then cannot decrypt these messages.
// Requests of the user that are on the way may be refused, and have to be sent again.
//
// If several processes of the user rotate at the same time, they all get the same new prekey.
//
// If a prekey was stolen, use [Replace] instead.
func (k *Keys) RotatePrekey() error {
	before := k.current().prekeyID
	return k.change(func(o *own) error {
		if o.prekeyID != before {
			return nil // another process was first, and the prekey before would be lost
		}
		prekey, err := ecdh.X25519().GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		o.previous, o.retired, o.prekey = o.prekey, time.Now(), prekey
		o.prekeyID, err = prekeyID(prekey.PublicKey())
		return err
	})
}

// PromiseSeals publishes whether every message of the user has a seal (see the package
// documentation). Whoever has seen the promise refuses messages without one. Keys that [Create]
// made promise it. The Python package writes no seals: if it sends messages with the same keys,
// the promise must be false. Those who have seen the promise hold the user to it until they call
// [Keys.Trust].
func (k *Keys) PromiseSeals(promise bool) error {
	return k.change(func(o *own) error {
		o.seals = promise
		return nil
	})
}

// change changes a copy of the own keys, stores and publishes it.
func (k *Keys) change(change func(*own) error) error {
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	fail := func(err error) error { return fmt.Errorf("syftcrypt: change keys: %w", err) }
	unlock, err := k.s.lock(true)
	if err != nil {
		return fail(err)
	}
	defer unlock()
	// What another process has changed counts. Keys whose file is gone or damaged are written again.
	if err := k.reload(); errors.Is(err, ErrExposed) {
		return fail(err)
	}
	o := *k.s.own.Load()
	if err := change(&o); err != nil {
		return fail(err)
	}
	if err := writePrivate(k.s.dir, privateName, o.encode(time.Now()), false); err != nil {
		return fail(err)
	}
	if err := k.reload(); err != nil {
		return fail(err)
	}
	return k.publish()
}

// Address returns the e-mail address of the user.
func (k *Keys) Address() string { return k.s.client.Email }

// Fingerprint returns the fingerprint of the user's identity key, address and promise to seal, to
// read to others over the telephone for example. They give it to [Keys.Trust]. It changes with
// [Replace] and [Keys.PromiseSeals].
func (k *Keys) Fingerprint() string {
	o := k.current()
	return fingerprint(k.s.client.Email, o.identity.Public().(ed25519.PublicKey), o.seals)
}

// RequireTrust makes messages from and to people whose fingerprints were not given to
// [Keys.Trust] fail with [ErrUntrusted]. Without it, the first DID document of a person is
// trusted.
func (k *Keys) RequireTrust(require bool) { k.s.requireTrust.Store(require) }

// Format writes the address and the fingerprint, for every verb.
func (k Keys) Format(f fmt.State, _ rune) { f.Write([]byte(k.text())) }

// LogValue returns the address and the fingerprint.
func (k Keys) LogValue() slog.Value { return slog.StringValue(k.text()) }

// MarshalText returns the address and the fingerprint.
func (k Keys) MarshalText() ([]byte, error) { return []byte(k.text()), nil }

func (k Keys) text() string {
	if k.s == nil || k.s.own.Load() == nil {
		return "no keys"
	}
	return "keys of " + k.Address() + " " + k.Fingerprint()
}
