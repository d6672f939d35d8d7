package syftcrypt

import "errors"

// The reasons why keys or messages are refused. The errors of this package wrap them; use
// [errors.Is].
var (
	// ErrKeysExist means that Create found keys or a published document.
	ErrKeysExist = errors.New("keys exist already")
	// ErrNoPrivateKeys means that this machine has no private keys of the user.
	ErrNoPrivateKeys = errors.New("no private keys")
	// ErrExposed means that other users of this machine can read or replace the private keys.
	ErrExposed = errors.New("private keys are exposed")
	// ErrNotPublished means that the user's own DID document is missing or has other keys.
	ErrNotPublished = errors.New("DID document does not have these keys")
	// ErrNoDocument means that a person has no DID document on this machine.
	ErrNoDocument = errors.New("no DID document")
	// ErrBadDocument means that a DID document is malformed, is another person's, has a weak
	// key, or has a wrong signature.
	ErrBadDocument = errors.New("invalid DID document")
	// ErrKeyChanged means that a DID document has another identity key than before. It may be
	// forged. [Keys.Trust] accepts it.
	ErrKeyChanged = errors.New("identity key changed")
	// ErrRetiredKey means that a DID document has a prekey that its owner has replaced.
	ErrRetiredKey = errors.New("prekey was replaced before")
	// ErrSharedKey means that two people have the same key, and at least one of them does not
	// seal messages.
	ErrSharedKey = errors.New("key belongs to another person")
	// ErrRecordMissing means that the record of a person's keys was removed, other than by
	// [Keys.Forget]. [Keys.Trust] and [Keys.Forget] accept that.
	ErrRecordMissing = errors.New("record of known keys is missing")
	// ErrUntrusted means that [Keys.RequireTrust] is set and the fingerprint was not given to
	// [Keys.Trust], that too many people are known, or that the person has replaced the prekey too
	// often.
	ErrUntrusted = errors.New("fingerprint is not trusted")
	// ErrFingerprint means that a fingerprint given to [Keys.Trust] is a different one.
	ErrFingerprint = errors.New("fingerprint differs")
	// ErrNotEncrypted means that a message is not encrypted. Whoever can write the file may
	// have forged it.
	ErrNotEncrypted = errors.New("message is not encrypted")
	// ErrMalformed means that an encrypted message is malformed.
	ErrMalformed = errors.New("malformed encrypted message")
	// ErrWrongPerson means that a message names another sender or receiver.
	ErrWrongPerson = errors.New("message is of another sender or for another receiver")
	// ErrDecrypt means that a message was altered, or encrypted with other keys.
	ErrDecrypt = errors.New("decryption failed")
	// ErrSeal means that a message has no seal although its sender promises one, or that the
	// seal does not fit: a header, the URL, the method or the ID was altered.
	ErrSeal = errors.New("missing or wrong seal")
	// ErrReplay means that the message was received before, as part of another request or
	// response.
	ErrReplay = errors.New("message was received before")
	// ErrNotText means that a body is not UTF-8, and the receiver is not known to accept that:
	// the Python package cannot decrypt it.
	ErrNotText = errors.New("body is not UTF-8")
)
