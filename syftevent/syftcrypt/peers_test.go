package syftcrypt

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// Whoever removes the record of a known person does not make the next document the first one.
func TestMissingRecordIsNotFirstUse(t *testing.T) {
	for _, what := range []string{"one record", "all records"} {
		w := newWorld(t)
		a, b, m := w.keys(alice), w.keys(bob), w.keys(mallory)
		g := w.guard(a)
		req, future := w.prepare(b, "x")
		w.answered(g, req, future, "x")
		if what == "one record" {
			os.Remove(filepath.Join(a.peersDir(), recordName(bob)))
		} else {
			os.RemoveAll(a.peersDir())
		}
		genuine := w.read(bob)
		w.write(bob, encodeDocument(bob, "syftbox.net", m.s.own.Load()))
		if _, err := a.Peer(bob); !errors.Is(err, ErrRecordMissing) {
			t.Errorf("%s: error %v", what, err)
		}
		c := &Client{Client: a.s.client, Keys: a}
		if _, err := c.Send(t.Context(), w.to(bob)); !errors.Is(err, ErrRecordMissing) {
			t.Errorf("%s: Send returns %v", what, err)
		}
		w.write(bob, genuine)
		req, future = w.prepare(b, "y")
		w.refused(g, req, 503, "not available")
		if _, err := w.restarted(a).Peer(bob); !errors.Is(err, ErrRecordMissing) {
			t.Errorf("%s: after a restart %v", what, err)
		}
		// The user decides.
		if what == "one record" {
			if err := a.Trust(bob, b.Fingerprint()); err != nil {
				t.Fatal(err)
			}
		} else if err := a.Forget(bob); err != nil {
			t.Fatal(err)
		}
		w.answered(g, req, future, "y")
	}
}

// A process that was killed between the record and its mark has lost nothing.
func TestRecordIsMarkedLater(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	g := w.guard(a)
	req, future := w.prepare(b, "x")
	w.answered(g, req, future, "x")
	os.Remove(a.mark(bob))
	req, future = w.prepare(b, "y")
	w.answered(g, req, future, "y")
	if !a.isMarked(bob) {
		t.Error("the record has no mark")
	}
}

// to returns a request to a person.
func (w *world) to(address string) *syftevent.Request {
	w.t.Helper()
	req, err := syftevent.NewRequest("POST", "syft://"+address+"/app_data/demo/rpc/echo", "x")
	if err != nil {
		w.t.Fatal(err)
	}
	return req
}

// Mallory publishes Bob's prekey, and Alice calls Mallory first: that does not keep Bob out.
func TestCopiedDocumentLocksNobodyOut(t *testing.T) {
	w := newWorld(t)
	a, b, m := w.pythonKeys(alice), w.pythonKeys(bob), w.pythonKeys(mallory)
	g := w.guard(a)
	w.shareKey(m, false, b.s.own.Load().prekey.PublicKey().Bytes())
	c := &Client{Client: a.s.client, Keys: a}
	if _, _, err := c.prepare(w.to(mallory)); err != nil {
		t.Fatal(err)
	}
	// Mallory's next document has another key, and Alice calls Mallory again.
	w.write(mallory, encodeDocument(mallory, "syftbox.net", m.s.own.Load()))
	if _, _, err := c.prepare(w.to(mallory)); err != nil {
		t.Fatal(err)
	}
	w.shareKey(m, false, b.s.own.Load().prekey.PublicKey().Bytes())
	if _, _, err := c.prepare(w.to(bob)); err != nil {
		t.Errorf("Alice cannot call Bob: %v", err)
	}
	req, future := w.unsealed(b, "bid 5")
	w.answered(g, req, future, "bid 5")
	// Now Bob has proven that the key is his.
	if _, _, err := c.prepare(w.to(mallory)); !errors.Is(err, ErrRetiredKey) {
		t.Errorf("Alice calls Mallory with Bob's key: %v", err)
	}
	req, _ = w.unsealed(b, "bid 6")
	w.refused(g, stolen(req), 403, "")
	if err := a.Forget(mallory); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.prepare(w.to(mallory)); !errors.Is(err, ErrSharedKey) {
		t.Errorf("Alice calls Mallory with Bob's key: %v", err)
	}
	w.refused(g, stolen(req), 403, ErrSharedKey.Error())
}

// A response proves the key of the person who was called.
func TestResponseProvesKey(t *testing.T) {
	w := newWorld(t)
	a, b, m := w.pythonKeys(alice), w.pythonKeys(bob), w.pythonKeys(mallory)
	c := &Client{Client: a.s.client, Keys: a}
	_, future, err := c.prepare(w.to(bob))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := a.record(bob); err != nil || r.Proven {
		t.Errorf("after the call: %+v, %v", r, err)
	}
	if _, err := future.receive(w.pythonResponse(b, a, "hello")); err != nil {
		t.Fatal(err)
	}
	if r, err := a.record(bob); err != nil || !r.Proven {
		t.Errorf("after the response: %+v, %v", r, err)
	}
	w.shareKey(m, false, b.s.own.Load().prekey.PublicKey().Bytes())
	if _, _, err := c.prepare(w.to(mallory)); !errors.Is(err, ErrSharedKey) {
		t.Errorf("Alice calls Mallory with Bob's key: %v", err)
	}
}

// Mallory is first with an intercepted message of Bob. Trust tells whose key it is.
func TestTrustSettlesWhoseKeyItIs(t *testing.T) {
	w := newWorld(t)
	a, b, m := w.keys(alice), w.pythonKeys(bob), w.pythonKeys(mallory)
	g := w.guard(a)
	prekey := b.s.own.Load().prekey.PublicKey().Bytes()
	w.shareKey(m, false, prekey)
	intercepted, _ := w.unsealed(b, "bid 5")
	if response := w.serve(g, stolen(intercepted)); response.StatusCode != 200 {
		t.Fatalf("%d %s", response.StatusCode, response.Text())
	}
	req, future := w.unsealed(b, "bid 6")
	w.refused(g, req, 403, ErrSharedKey.Error())
	if err := a.Trust(bob, b.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	w.answered(g, req, future, "bid 6")
	next, _ := w.unsealed(b, "bid 7")
	w.refused(g, stolen(next), 403, ErrSharedKey.Error())
	w.refused(w.guard(w.restarted(a)), stolen(next), 403, ErrSharedKey.Error())
	if err := a.Trust(mallory, m.Fingerprint()); !errors.Is(err, ErrSharedKey) {
		t.Errorf("Trust in both: %v", err)
	}
	// With a key of her own Mallory is as welcome as before.
	w.write(mallory, encodeDocument(mallory, "syftbox.net", m.s.own.Load()))
	req, future = w.unsealed(m, "hello")
	w.answered(g, req, future, "hello")
}

// Replaced prekeys are not forgotten: after as many as can be remembered, the user has to decide.
func TestPrekeysAreReplacedManyTimes(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	first := w.read(bob)
	req, _ := w.prepare(b, "0")
	w.serve(w.guard(a), req)
	replace := func() {
		t.Helper()
		o := *b.s.own.Load()
		fresh, err := newOwn()
		if err != nil {
			t.Fatal(err)
		}
		o.prekey, o.prekeyID = fresh.prekey, fresh.prekeyID
		b.s.own.Store(&o)
		w.write(bob, encodeDocument(bob, "syftbox.net", &o))
	}
	call := func() error {
		c := &Client{Client: a.s.client, Keys: a}
		_, _, err := c.prepare(w.to(bob))
		return err
	}
	replace()
	if err := call(); err != nil {
		t.Fatal(err)
	}
	r, err := a.record(bob)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(r.Retired) + len(r.Passed); i < maxRetired-2; i++ {
		r.Passed = append(r.Passed, fmt.Appendf(nil, "%0*d", shortID, i))
	}
	if err := writePrivate(a.peersDir(), recordName(bob), encode(r, "  "), false); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		replace()
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	latest := w.read(bob)
	w.write(bob, first)
	if err := call(); !errors.Is(err, ErrRetiredKey) {
		t.Errorf("the first document is back: %v", err)
	}
	w.write(bob, latest)
	if err := call(); err != nil {
		t.Error(err)
	}
	replace()
	if err := call(); !errors.Is(err, ErrUntrusted) {
		t.Errorf("one more than can be remembered: %v", err)
	}
	if err := a.Trust(bob, b.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	if err := call(); err != nil {
		t.Error(err)
	}
	w.write(bob, latest)
	if err := call(); !errors.Is(err, ErrRetiredKey) {
		t.Errorf("the document before Trust is back: %v", err)
	}
	if info, err := os.Stat(filepath.Join(a.peersDir(), recordName(bob))); err != nil || info.Size() > maxKeyFile {
		t.Errorf("%v, %v", info.Size(), err)
	}
}

// The largest record can be read.
func TestLargestRecord(t *testing.T) {
	r := &record{Address: bob, Identity: make([]byte, 32), Prekey: make([]byte, 32)}
	for range maxRetired {
		r.Retired = append(r.Retired, make([]byte, shortID))
	}
	for range maxDisputed {
		r.Disputed = append(r.Disputed, make([]byte, shortID))
	}
	data := encode(r, "  ")
	if _, err := parseRecord(data); err != nil || len(data) > maxKeyFile {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	r.Passed = r.Retired[:1]
	if _, err := parseRecord(encode(r, "  ")); err == nil {
		t.Error("a record with too many prekeys is accepted")
	}
}

// Many people together fill the disk no more than one does.
func TestRecordsOfMessagesAreBoundedInTotal(t *testing.T) {
	const total, people = 640, 40
	s := seen{total: total}
	dir := t.TempDir()
	key := func(person, i int) (d digest) { copy(d[:], fmt.Sprint(person, " ", i)); return d }
	accept := func(person, i int) {
		t.Helper()
		if err := s.accept(dir, fmt.Sprint(person), key(person, i), key(person, i)); err != nil {
			t.Fatal(err)
		}
	}
	count := func() (files int) {
		filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files++
			}
			return nil
		})
		return files
	}
	old := time.Now().Add(-time.Hour)
	for i := range 3 {
		accept(-1, i) // somebody who sends little
	}
	for person := range people {
		for i := range 3 * total / people {
			accept(person, i)
		}
		// The oldest are those with the earliest times, which a fast machine does not tell apart.
		filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				os.Chtimes(name, old, old.Add(time.Duration(person)*time.Second))
			}
			return nil
		})
		if files := count(); files > total+total/64+1 {
			t.Fatalf("%d files after %d people, want %d at most", files, person+1, total)
		}
	}
	if files := count(); files < total/2 {
		t.Errorf("only %d files are left of %d", files, total)
	}
	// Whoever sends little keeps all.
	for i := range 3 {
		if err := s.accept(dir, "-1", key(-1, i), key(0, 0)); !errors.Is(err, ErrReplay) {
			t.Errorf("message %d: error %v", i, err)
		}
	}
	// A new process counts what is there.
	s = seen{total: total / 4}
	accept(people, 0)
	if files := count(); files > total/4+total/256+1 {
		t.Errorf("%d files after a restart with a limit of %d", files, total/4)
	}
}

// Another process of the user records a new prekey of Bob while this one is told to trust him:
// neither is lost.
func TestProcessesChangeRecords(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	for round := range 20 {
		if err := b.RotatePrekey(); err != nil {
			t.Fatal(err)
		}
		if err := a.Forget(bob); err != nil {
			t.Fatal(err)
		}
		p, err := a.peer(bob, a.current())
		if err != nil {
			t.Fatal(err)
		}
		p.proven = true
		other := w.restarted(a)
		done := make(chan error, 1)
		go func() { done <- other.Trust(bob, b.Fingerprint()) }()
		if err := errors.Join(a.remember(p, false), <-done); err != nil {
			t.Fatal(err)
		}
		if r, err := a.record(bob); err != nil || !r.Trusted || !r.Proven {
			t.Fatalf("round %d: %+v, %v", round, r, err)
		}
	}
}

// Records of earlier versions are read: their lists have whole IDs, and nothing says what was proven.
func TestReadsEarlierRecords(t *testing.T) {
	id := make([]byte, keySize)
	id[0] = 7
	text := base64.StdEncoding.EncodeToString(id)
	old := `{"address":"` + bob + `","identity":"` + text + `","prekey":"` + text + `","retired":["` + text + `"],"seals":false,"trusted":false}`
	r, err := parseRecord([]byte(old))
	if err != nil || !r.Proven || !hasID(r.Retired, [keySize]byte(id)) {
		t.Errorf("%+v, %v", r, err)
	}
	if again, err := parseRecord(encode(r, "  ")); err != nil || !hasID(again.Retired, [keySize]byte(id)) {
		t.Errorf("written again: %+v, %v", again, err)
	}
	for _, bad := range []string{`"retired":[1]`, `"retired":["AAAA"]`, `"retired":{}`, `"proven":1`} {
		if r, err := parseRecord([]byte(old[:len(old)-1] + "," + bad + "}")); err == nil {
			t.Errorf("%s is accepted: %+v", bad, r)
		}
	}
	bad := strings.Replace(old, `"retired":["`+text+`"]`, `"retired":["AAAA"]`, 1)
	if r, err := parseRecord([]byte(bad)); err == nil {
		t.Errorf("a short ID is accepted: %+v", r)
	}
}
