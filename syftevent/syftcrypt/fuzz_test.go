package syftcrypt

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"

	"github.com/syftevent/syftevent-go/syftevent"
)

func FuzzMessage(f *testing.F) {
	f.Add(testdata(f, "payload.json"))
	f.Add([]byte(`{"ek":"","iv":"","ciphertext":"","tag":"","sender":"","receiver":"","version":null}`))
	f.Add([]byte(`{"ek":1,"ek":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseMessage(data)
		if err != nil {
			return
		}
		again, err := parseMessage(m.encode())
		if err != nil || !bytes.Equal(again.encode(), m.encode()) || again.id() != m.id() {
			t.Errorf("%q: %v", m.encode(), err)
		}
		if len(m.ephemeral) != keySize || len(m.iv) != ivSize || len(m.tag) != tagSize || !isAddress(m.sender) || !isAddress(m.receiver) {
			t.Errorf("%q", m.encode())
		}
	})
}

func FuzzDocument(f *testing.F) {
	o, err := parseOwn(testdata(f, "alice.pvt.jwks.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(testdata(f, "alice.did.json"))
	o.seals = true
	f.Add(encodeDocument("alice@example.org", "syftbox.net", o))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := parseDocument(data, "alice@example.org")
		if err != nil {
			return
		}
		if id, err := prekeyID(d.prekey); err != nil || id != d.prekeyID || len(d.identity) != 32 {
			t.Errorf("%q: %v", data, err)
		}
	})
}

func FuzzPrivateKeys(f *testing.F) {
	f.Add(testdata(f, "alice.pvt.jwks.json"))
	o, err := parseOwn(testdata(f, "alice.pvt.jwks.json"))
	if err != nil {
		f.Fatal(err)
	}
	o.seals, o.previous = true, o.prekey
	o.retired = o.retired.AddDate(2025, 0, 0)
	f.Add(o.encode(o.retired))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := parseOwn(data)
		if err != nil {
			return
		}
		again, err := parseOwn(o.encode(o.retired))
		if err != nil || !bytes.Equal(again.encode(again.retired), o.encode(o.retired)) {
			t.Errorf("keys are not stable: %v", err)
		}
	})
}

func FuzzRecord(f *testing.F) {
	short, whole := make([]byte, shortID), make([]byte, keySize)
	for _, r := range []record{
		{Proven: true, Retired: [][]byte{short, whole}, Passed: [][]byte{short}, Seals: true},
		{Disputed: [][]byte{short}, Trusted: true},
	} {
		r.Address, r.Identity, r.Prekey = "a@b.c", whole, whole
		data := encode(&r, "")
		if _, err := parseRecord(data); err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseRecord(data)
		if err != nil {
			return
		}
		again, err := parseRecord(encode(r, ""))
		if err != nil || !bytes.Equal(encode(again, ""), encode(r, "")) {
			t.Errorf("%q: %v", data, err)
		}
		for _, id := range slices.Concat(r.Retired, r.Passed, r.Disputed) {
			if len(id) != shortID {
				t.Errorf("%q has an ID of %d bytes", data, len(id))
			}
		}
	})
}

func FuzzServerURL(f *testing.F) {
	f.Add("https://syftbox.net")
	f.Add("http://[::1]:8080/a/b")
	f.Fuzz(func(t *testing.T, s string) {
		text, _, err := pythonURL(s)
		if err != nil {
			return
		}
		if again, _, err := pythonURL(text); err != nil || again != text {
			t.Errorf("%q: %q, then %q, %v", s, text, again, err)
		}
	})
}

// A request that nobody with keys has made is never run.
func FuzzGuard(f *testing.F) {
	dir := f.TempDir()
	client := func(address string) *syftevent.Client {
		return &syftevent.Client{Email: address, DataDir: filepath.Join(dir, "SyftBox")}
	}
	keys, err := Create(client(alice))
	if err != nil {
		f.Fatal(err)
	}
	other, err := Create(client(bob))
	if err != nil {
		f.Fatal(err)
	}
	c := &Client{Client: client(bob), Keys: other}
	req, err := syftevent.NewRequest("POST", "syft://"+alice+"/app_data/demo/rpc/echo", "body")
	if err != nil {
		f.Fatal(err)
	}
	sent, _, err := c.prepare(req)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sent.Body, sent.Headers[SealHeader])
	guard := &Guard{Keys: keys, Logger: slog.New(slog.DiscardHandler)}
	handler := guard.Require(syftevent.HandlerFunc(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		if req.Text() != "body" {
			panic("ran " + req.Text())
		}
		return syftevent.Text(200, "ran"), nil
	}))
	f.Fuzz(func(t *testing.T, body []byte, seal string) {
		forged := *sent
		forged.Sender, forged.Body = bob, body
		forged.Headers = syftevent.Headers{SealHeader: seal}
		response, err := handler.ServeSyft(context.Background(), &forged)
		if err != nil || response.StatusCode == 500 || response.StatusCode == 503 {
			t.Errorf("%v, %v", response, err)
		}
		m, err := parseMessage(body)
		genuine, _ := parseMessage(sent.Body)
		if response.StatusCode == 200 && (err != nil || m.id() != genuine.id() || seal != sent.Headers[SealHeader]) {
			t.Errorf("ran %q, %q", body, seal)
		}
	})
}
