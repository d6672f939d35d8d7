// Package syftcrypt encrypts calls from end to end, in the format of the Python package
// syft-crypto 0.1.2. [Guard] is the middleware of a server, and [Client] makes calls.
//
// A server:
//
//	keys, err := syftcrypt.LoadOrCreate(client)
//	if err != nil {
//		// handle error
//	}
//	guard := &syftcrypt.Guard{Keys: keys}
//	router.Use(guard.Require)
//	router.HandleFunc("/secret", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
//		who, _ := syftcrypt.From(ctx)
//		return syftevent.Text(200, who.Address+" says "+req.Text()), nil
//	})
//
// A client:
//
//	keys, err := syftcrypt.LoadOrCreate(client)
//	if err != nil {
//		// handle error
//	}
//	fmt.Println("my fingerprint is", keys.Fingerprint())
//	err = keys.Trust("alice@example.com", "4808 34c4 f5fd 5333 f444 b603 b6f6 f2d8 4241 e9d4") // as Alice says
//	response, err := (&syftcrypt.Client{Client: client, Keys: keys}).Call(ctx, req)
//
// A Client is also the Caller of a Transport of package syfthttp, so that an [net/http.Client] makes
// encrypted calls; see the example "Http".
//
// # What is protected
//
// Only the sender and the receiver can read the bodies of requests and responses, and nobody
// else can change or make them. SyftBox's server, other users, and whoever reads the files later
// cannot, as long as they have neither private key. The responses of a handler that fails
// are encrypted, too.
//
// Between two users of this package the rest of a message is authenticated, too: each message
// has a seal, which covers the method, URL, headers, ID and times of a request and the spelling of
// its sender, and the status and headers of a response. A seal also binds the message to both
// people, and a response to its request. A message that is part of another request or response, or
// in which any of these is changed, is refused, and so is one whose seal was removed. Of a response,
// [Client] returns nothing else that the file says.
//
// # What is not protected
//
// The method, URL, headers, status, ID, sizes, times, sender and receiver are readable. Put
// secrets into the body only. That includes cookies and the header Authorization of an
// [net/http.Client]. If a body is compressed, its size tells something about its content to whoever can
// choose a part of it. The descriptions in rpc.schema.json are public.
//
// The names of people are as good as the first DID document that was seen. Whoever can replace
// that document, as SyftBox's server can, can pass for the person, or read what is sent to the
// person. The keys are recorded when the person first sends an authentic message or is called.
// After that a document with another identity key is refused with [ErrKeyChanged], and one with a
// prekey that was replaced since then with [ErrRetiredKey]. To be safe from the
// start, compare fingerprints with [Keys.Trust], and call [Keys.RequireTrust].
//
// Messages of the Python package have no seal. Whoever can write the files can move such a message
// into another request or response before it is received: change its method, URL, headers, ID,
// expiry or status, exchange two responses, or turn a person's response into a request of that
// person, and a request into a response. Whoever receives the message a second time refuses it,
// see below. [Guard.SealedOnly] and [Client.SealedOnly] refuse messages without a seal, and
// [Identity.Sealed] reports to a handler whether a request had one. A person who uses only this
// package promises seals in the DID document. Messages of that person without a seal are refused,
// so that an attacker gains nothing by removing it.
//
// Who steals the private keys of a person can read all messages that were sent to the person
// with the same prekey, and can send messages to this person in anybody's name.
// [Keys.RotatePrekey] ends the first: after a day, earlier messages cannot be decrypted any more.
// After a theft use [Replace]. Keys cannot be revoked: others use the stolen ones until they call
// [Keys.Trust].
//
// Everyone can publish another person's prekey as their own. If neither of the two promises seals, it
// belongs to the one who first sent an authentic message with it, and the other is refused with
// [ErrSharedKey]. SyftBox's server, which can hold back a message and deliver it in another name, can
// be first. [Keys.Trust] settles whose prekey it is.
//
// A message proves to its receiver who sent it, but not to others: the receiver could have
// made it.
//
// Refusals, and responses for which no handler was called, such as 419 and 504, are not encrypted. A
// [Client] returns them only as a [*PlaintextError].
//
// # Replays
//
// A message is accepted as part of one request or one response. Keys remember the last 4,096
// messages of each person, 65,536 in total, in memory. Messages without a seal are also recorded
// in files, the last 1,024 to 1,152 of each person, so that no other process of the user accepts one,
// also after a restart. There are 65,536 such files in total, and 1,024 more for each process; beyond
// that, the oldest of whoever has the most are removed. Another machine of the user, and a restored
// backup, do not know what was received. Older messages without a seal can be replayed. Messages with a
// seal cannot: the seal names the request, which expires.
//
// If the same request is delivered again, the Guard returns the same response, and does not call
// the handler; while the handler runs, it waits. It keeps 16 MiB of responses in memory, not
// counting 1 KiB for each. A request whose response it no longer has
// is passed to the handler four times at most, and after a restart again, as
// [syftevent.Handler] describes. Whoever can write the files can cause such a repetition until the
// request expires.
//
// # Keys
//
// The private keys are in a file with mode 0600 outside of what SyftBox carries, and the public
// ones in <datasite>/public/did.json, both where the Python package has them and in its format.
// Either package can use the keys of the other. If the Python package also sends messages with
// them, call [Keys.PromiseSeals] with false.
//
// The keys are refused with [ErrExposed] if another user of the machine can replace them, because a
// folder on the way to the file belongs to that user or is writable by its group or by everyone,
// unless it has the sticky bit. The Python package creates such folders if the umask is 0002: run
// chmod go-w on them. Root may use keys in the folders of a user.
//
// What is known of other people is beside the private keys: a record of each, 4,096 people at most
// and those given to [Keys.Trust], with the last prekey and up to 1,024 that were replaced. Further
// ones are refused with [ErrUntrusted] until the person is given to [Keys.Trust] again. If a record
// is damaged or was removed, other than by [Keys.Forget], the person is refused until then, too, with
// [ErrRecordMissing] for example: the next document is not taken for the first. This detects
// accidents. Whoever can write to the folder of the private keys can change everything.
//
// Several processes of a user may use the keys, and change them, at the same time.
//
// SPEC.md describes the format, the seal and the weaknesses in section 19.
package syftcrypt
