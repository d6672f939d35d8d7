package syftcrypt

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/syftevent"
)

const (
	alice   = "alice@example.org"
	bob     = "bob@example.org"
	mallory = "mallory@example.org"
)

// A world is a machine on which several people have keys, and one folder of datasites.
type world struct {
	t   *testing.T
	dir string
	log bytes.Buffer
	ran int // times that the handler was called
}

func newWorld(t *testing.T) *world { return &world{t: t, dir: t.TempDir()} }

func (w *world) client(address string) *syftevent.Client {
	return &syftevent.Client{Email: address, DataDir: filepath.Join(w.dir, "SyftBox"), ServerURL: "https://syftbox.net"}
}

func (w *world) keys(address string) *Keys {
	w.t.Helper()
	k, err := LoadOrCreate(w.client(address))
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

// pythonKeys returns keys that promise no seals, like those of the Python package.
func (w *world) pythonKeys(address string) *Keys {
	w.t.Helper()
	k := w.keys(address)
	if err := k.PromiseSeals(false); err != nil {
		w.t.Fatal(err)
	}
	return k
}

func (w *world) document(address string) string {
	return filepath.Join(w.dir, "SyftBox", "datasites", address, "public", "did.json")
}

// write writes a DID document, as SyftBox does.
func (w *world) write(address string, data []byte) {
	w.t.Helper()
	name := w.document(address)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(address string) []byte {
	w.t.Helper()
	data, err := os.ReadFile(w.document(address))
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

func (w *world) guard(k *Keys) *Guard {
	return &Guard{Keys: k, Logger: slog.New(slog.NewTextHandler(&w.log, nil))}
}

// echo responds with the body, and counts.
func (w *world) echo(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	w.ran++
	r := syftevent.Bytes(200, req.Body)
	r.Headers["X-Echo"] = "yes"
	return r, nil
}

// request returns a request to Alice.
func (w *world) request(body string) *syftevent.Request {
	w.t.Helper()
	req, err := syftevent.NewRequest("POST", "syft://"+alice+"/app_data/demo/rpc/echo?x=1", body)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Headers["X-H"] = "1"
	return req
}

// prepare returns an encrypted request as the server gets it.
func (w *world) prepare(from *Keys, body string) (*syftevent.Request, *Future) {
	w.t.Helper()
	c := &Client{Client: from.s.client, Keys: from}
	sent, future, err := c.prepare(w.request(body))
	if err != nil {
		w.t.Fatal(err)
	}
	sent.Sender, sent.SenderVerified = from.Address(), true
	return sent, future
}

// unsealed returns an encrypted request as the Python package sends it.
func (w *world) unsealed(from *Keys, body string) (*syftevent.Request, *Future) {
	w.t.Helper()
	req, future := w.prepare(from, body)
	w.asPython(from, req, future, body)
	return req, future
}

// asPython encrypts a prepared request as the Python package does: without a seal, and with a random
// iv.
func (w *world) asPython(from *Keys, req *syftevent.Request, future *Future, body string) {
	w.t.Helper()
	m := w.pythonMessage(from, future.to.address, future.to.prekey, body)
	req.Headers.Del(SealHeader)
	req.Body, future.request = m.encode(), m.id()
}

// pythonResponse returns a response as the Python package encrypts it.
func (w *world) pythonResponse(from, to *Keys, body string) *syftevent.Response {
	w.t.Helper()
	m := w.pythonMessage(from, to.Address(), to.s.own.Load().prekey.PublicKey(), body)
	return &syftevent.Response{StatusCode: 200, Headers: syftevent.Headers{}, Body: m.encode()}
}

func (w *world) pythonMessage(from *Keys, to string, prekey *ecdh.PublicKey, body string) *message {
	w.t.Helper()
	ephemeral, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	iv := make([]byte, ivSize)
	rand.Read(iv)
	m, _, err := encryptWith(ephemeral, iv, from.s.own.Load().prekey, prekey, []byte(body))
	if err != nil {
		w.t.Fatal(err)
	}
	m.sender, m.receiver = from.Address(), to
	return m
}

// serve passes a request to the echo handler behind a guard.
func (w *world) serve(g *Guard, req *syftevent.Request) *syftevent.Response {
	w.t.Helper()
	response, err := g.Require(syftevent.HandlerFunc(w.echo)).ServeSyft(context.Background(), req)
	if err != nil {
		w.t.Fatal(err)
	}
	return response
}

// refused checks that a request is refused with a status and a text, is not run, and is one line
// in the log.
func (w *world) refused(g *Guard, req *syftevent.Request, status int, text string) {
	w.t.Helper()
	ran := w.ran
	w.log.Reset()
	response := w.serve(g, req)
	if response.StatusCode != status || !strings.Contains(response.Text(), text) {
		w.t.Errorf("status %d, body %q; want %d, %q", response.StatusCode, response.Text(), status, text)
	}
	if w.ran != ran {
		w.t.Error("the handler was called")
	}
	if lines := strings.Count(w.log.String(), "\n"); lines != 1 || !strings.Contains(w.log.String(), "request refused") {
		w.t.Errorf("%d lines in the log:\n%s", lines, &w.log)
	}
}

// answered checks that a request is run and its response decrypted.
func (w *world) answered(g *Guard, req *syftevent.Request, future *Future, want string) {
	w.t.Helper()
	ran := w.ran
	response := w.serve(g, req)
	got, err := future.receive(response)
	if err != nil || got.Text() != want || got.StatusCode != 200 || got.Headers.Get("X-Echo") != "yes" || w.ran != ran+1 {
		w.t.Errorf("got %+v, %v, log:\n%s", got, err, &w.log)
	}
	if bytes.Contains(response.Body, []byte(want)) && len(want) > 3 {
		w.t.Error("the response is not encrypted")
	}
}

// serveQuietly passes a request to a handler that does not count.
func (w *world) serveQuietly(g *Guard, req *syftevent.Request) *syftevent.Response {
	response, err := g.Require(syftevent.HandlerFunc(func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.Text(200, "ok"), nil
	})).ServeSyft(context.Background(), req)
	if err != nil {
		w.t.Error(err)
	}
	return response
}
