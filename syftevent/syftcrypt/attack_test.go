package syftcrypt

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/syftevent"
)

// restarted returns the keys as another process of the user has them.
func (w *world) restarted(k *Keys) *Keys {
	w.t.Helper()
	again, err := Load(k.s.client)
	if err != nil {
		w.t.Fatal(err)
	}
	return again
}

func TestRefusesReplaysAfterRestart(t *testing.T) {
	w := newWorld(t)
	a, b := w.pythonKeys(alice), w.pythonKeys(bob)
	req, future := w.unsealed(b, "pay 5")
	w.serve(w.guard(a), req)
	response := w.pythonResponse(a, b, "done")
	if _, err := future.receive(response); err != nil {
		t.Fatal(err)
	}
	again := *req
	again.ID = "another"
	w.refused(w.guard(w.restarted(a)), &again, 403, "received before")
	again = *req
	again.URL.Path = "/app_data/other/rpc/pay"
	w.refused(w.guard(w.restarted(a)), &again, 403, "received before")
	// The server repeats the request after a crash.
	g := w.guard(w.restarted(a))
	if got := w.serve(g, req); got.StatusCode != 200 {
		t.Errorf("%d %s", got.StatusCode, got.Text())
	}
	// The same process sees a replay and then the request.
	g = w.guard(w.restarted(a))
	w.refused(g, &again, 403, "received before")
	if got := w.serve(g, req); got.StatusCode != 200 {
		t.Errorf("%d %s", got.StatusCode, got.Text())
	}

	// An old response is not that of a new request, also after the client was restarted.
	c := &Client{Client: b.s.client, Keys: w.restarted(b)}
	_, next, err := c.prepare(w.request("balance"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := next.receive(response); !errors.Is(err, ErrReplay) {
		t.Errorf("error %v", err)
	}
}

func TestRecordsOfMessagesAreBounded(t *testing.T) {
	var s seen
	dir := t.TempDir()
	key := func(i int) (d digest) { copy(d[:], fmt.Sprint(i)); return d }
	if err := s.accept(dir, bob, key(-1), key(-1)); err != nil {
		t.Fatal(err)
	}
	for i := range seenPerPerson + 3*seenSlack {
		if err := s.accept(dir, mallory, key(i), key(i)); err != nil {
			t.Fatal(err)
		}
	}
	files := 0
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, _ error) error {
		if !d.IsDir() {
			files++
		}
		return nil
	})
	if files > 1+seenPerPerson+seenSlack {
		t.Errorf("%d files", files)
	}
	if err := s.accept(dir, bob, key(-1), key(0)); !errors.Is(err, ErrReplay) {
		t.Errorf("error %v", err)
	}
}

// The fingerprint has the promise to seal: who can replace a document before it is known could
// otherwise remove the promise, and then the seals.
func TestTrustNoticesMissingPromise(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	print := b.Fingerprint()
	without := *b.s.own.Load()
	without.seals = false
	w.write(bob, encodeDocument(bob, "syftbox.net", &without))
	if err := a.Trust(bob, print); !errors.Is(err, ErrFingerprint) {
		t.Errorf("error %v", err)
	}
	for _, wrong := range []string{"", " ", print[:44], print + " 0000", strings.Repeat("0", 40)} {
		if err := a.Trust(bob, wrong); !errors.Is(err, ErrFingerprint) {
			t.Errorf("%q: error %v", wrong, err)
		}
	}
	if err := a.Trust("../bob@example.org", print); !errors.Is(err, ErrBadDocument) {
		t.Errorf("error %v", err)
	}
	// A promise that was seen counts until Trust is called again.
	b.Publish()
	if err := a.Trust(bob, print); err != nil {
		t.Error(err)
	}
	if err := b.PromiseSeals(false); err != nil {
		t.Error(err)
	}
	req, future := w.unsealed(b, "x")
	g := w.guard(a)
	w.refused(g, req, 403, "seal")
	if err := a.Trust(bob, b.Fingerprint()); err != nil {
		t.Error(err)
	}
	w.answered(g, req, future, "x")
}

// shareKey publishes a document in which one person has the prekey of another.
func (w *world) shareKey(thief *Keys, seals bool, prekey []byte) {
	w.t.Helper()
	o := *thief.s.own.Load()
	o.seals = false
	doc := string(encodeDocument(thief.Address(), "syftbox.net", &o))
	old := o.prekey.PublicKey().Bytes()
	signature := base64URL.EncodeToString(ed25519.Sign(o.identity, prekey))
	if seals {
		promise := append([]byte("syftevent seal promise 1\x00"+thief.Address()+"\x00"), prekey...)
		signature += `","syftevent_seal":"` + base64URL.EncodeToString(ed25519.Sign(o.identity, promise))
	}
	doc = strings.Replace(doc, base64URL.EncodeToString(old), base64URL.EncodeToString(prekey), 1)
	doc = strings.Replace(doc, base64URL.EncodeToString(ed25519.Sign(o.identity, old)), signature, 1)
	w.write(thief.Address(), []byte(doc))
}

// Mallory promises seals for Bob's prekey. He cannot make a seal, so he gains nothing, and he does
// not lock Bob out.
func TestPromiseForStolenKeyIsWorthless(t *testing.T) {
	w := newWorld(t)
	a, b, m := w.keys(alice), w.pythonKeys(bob), w.keys(mallory)
	g := w.guard(a)
	w.shareKey(m, true, b.s.own.Load().prekey.PublicKey().Bytes())
	if p, err := a.Peer(mallory); err != nil || !p.Seals {
		t.Fatalf("%+v, %v", p, err)
	}
	req, future := w.unsealed(b, "bid 5")
	stolen := *req
	stolen.Body = bytes.Clone(req.Body)
	member("sender", to(mallory))(&stolen)
	stolen.Sender = mallory
	w.refused(g, &stolen, 403, "seal")
	// Alice writes to Mallory, which records Mallory.
	c := &Client{Client: a.s.client, Keys: a}
	toMallory, err := syftevent.NewRequest("POST", "syft://"+mallory+"/app_data/demo/rpc/echo", "for mallory")
	if err != nil {
		t.Fatal(err)
	}
	sent, _, err := c.prepare(toMallory)
	if err != nil {
		t.Fatal(err)
	}
	w.answered(g, req, future, "bid 5")

	// Mallory passes Alice's message on to Bob, whose key decrypts it.
	passed := *sent
	passed.Sender = alice
	passed.Headers = withoutOwnHeaders(sent.Headers)
	passed.URL.Datasite = bob
	member("receiver", to(bob))(&passed)
	gb := w.guard(b)
	w.refused(gb, &passed, 403, "seal")
	passed.Headers[SealHeader] = sent.Headers[SealHeader]
	w.refused(gb, &passed, 403, "seal")
}

// Alice's own messages come back to her under other names.
func TestRefusesReflectedMessages(t *testing.T) {
	w := newWorld(t)
	a := w.pythonKeys(alice)
	w.pythonKeys(bob)
	c := &Client{Client: a.s.client, Keys: a}
	toBob, err := syftevent.NewRequest("POST", "syft://"+bob+"/app_data/demo/rpc/echo", "from alice")
	if err != nil {
		t.Fatal(err)
	}
	sent, future, err := c.prepare(toBob)
	if err != nil {
		t.Fatal(err)
	}
	reflected := *sent
	reflected.Body = bytes.Clone(sent.Body)
	reflected.Headers = syftevent.Headers{}
	reflected.Sender = bob
	reflected.URL.Datasite = alice
	member("receiver", to(alice))(&reflected)
	member("sender", to(bob))(&reflected)
	w.refused(w.guard(a), &reflected, 403, "decryption failed")
	response := &syftevent.Response{StatusCode: 200, Body: reflected.Body}
	if _, err := future.receive(response); !errors.Is(err, ErrReplay) {
		t.Errorf("error %v", err)
	}

	// A call to her own server: the request is not its response.
	toSelf := w.request("from alice")
	sent, future, err = c.prepare(toSelf)
	if err != nil {
		t.Fatal(err)
	}
	response = &syftevent.Response{StatusCode: 200, Body: sent.Body}
	if _, err := future.receive(response); !errors.Is(err, ErrReplay) {
		t.Errorf("error %v", err)
	}
	sent.Sender = alice
	w.answered(w.guard(a), sent, future, "from alice")
}

// A document is replaced by things that are not files.
func TestDocumentIsNotAFile(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	g := w.guard(a)
	req, _ := w.prepare(b, "x")
	os.Remove(w.document(bob))
	if err := os.Mkdir(w.document(bob), 0o755); err != nil {
		t.Fatal(err)
	}
	w.refused(g, req, 403, "DID document")
	os.RemoveAll(filepath.Dir(w.document(bob)))
	w.refused(g, req, 403, "no DID document")
	os.RemoveAll(filepath.Dir(filepath.Dir(w.document(bob))))
	w.refused(g, req, 403, "no DID document")
	os.Symlink(filepath.Join(w.dir, "SyftBox", "datasites", alice), filepath.Join(w.dir, "SyftBox", "datasites", bob))
	w.refused(g, req, 403, "invalid DID document")
}

// Names that differ only in case, or lead elsewhere, are not other people.
func TestAddresses(t *testing.T) {
	for _, address := range []string{"", "a", "@", "a@b", "a@b.", ".a@b.c", "a@b..c", "../a@b.c", "a/b@c.d", "a@b.c/d", "a\x00@b.c", "a@b.c\n",
		"\u0430@b.c", "a@b\u200b.c", strings.Repeat("a", 251) + "@b.c", "a b@c.d", `a\b@c.d`} {
		if isAddress(address) {
			t.Errorf("%q is an address", address)
		}
	}
	w := newWorld(t)
	a, b, m := w.keys(alice), w.keys(bob), w.keys(mallory)
	g := w.guard(a)
	req, future := w.prepare(b, "x")
	w.answered(g, req, future, "x")
	upper := strings.ToUpper(bob)
	w.write(upper, encodeDocument(upper, "syftbox.net", m.s.own.Load()))
	if _, err := a.Peer(upper); !errors.Is(err, ErrKeyChanged) {
		t.Errorf("error %v", err)
	}
}

// A body with very many members costs memory before anything is authenticated.
func TestManyMembers(t *testing.T) {
	w := newWorld(t)
	g := w.guard(w.keys(alice))
	w.keys(bob)
	var body bytes.Buffer
	body.WriteString(`{"a":1`)
	for i := range 1 << 20 {
		fmt.Fprintf(&body, `,"m%d":1`, i)
	}
	body.WriteString("}")
	req := w.request(body.String())
	req.Sender = bob
	allocated := testing.AllocsPerRun(1, func() { parseMessage(req.Body) })
	if allocated > 2000 {
		t.Errorf("%v allocations", allocated)
	}
	w.refused(g, req, 403, "not encrypted")
	req.Body = []byte(`{"ek":` + strings.Repeat("[", 1<<20))
	w.refused(g, req, 403, "not encrypted")
}

// Strangers cannot fill the disk with records, and cannot keep known people out.
func TestNumberOfPeopleIsBounded(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	g := w.guard(a)
	req, future := w.prepare(b, "x")
	w.answered(g, req, future, "x")
	for i := range maxPeers {
		if err := os.WriteFile(filepath.Join(a.peersDir(), fmt.Sprint(i, ".json")), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	req, future = w.prepare(b, "known")
	w.answered(g, req, future, "known")
	m := w.keys(mallory)
	req, future = w.prepare(m, "new")
	w.refused(g, req, 403, "not trusted")
	if err := a.Trust(mallory, m.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	w.answered(g, req, future, "new")
}
