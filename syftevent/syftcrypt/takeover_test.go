package syftcrypt

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// stolen returns a request as Mallory sends it: without its seal, and in Mallory's name.
func stolen(req *syftevent.Request) *syftevent.Request {
	s := *req
	s.Headers, s.Body, s.Sender = withoutOwnHeaders(req.Headers), bytes.Clone(req.Body), mallory
	member("sender", to(mallory))(&s)
	return &s
}

// Mallory, who promises no seals, publishes Bob's prekey: what Bob has sealed does not become
// Mallory's without the seal, whether Alice knows Bob or not.
func TestSealCannotBeRemoved(t *testing.T) {
	for _, known := range []bool{true, false} {
		w := newWorld(t)
		a, b, m := w.keys(alice), w.keys(bob), w.pythonKeys(mallory)
		req, _ := w.prepare(b, "bob's secret")
		if known {
			w.serve(w.guard(a), req)
		}
		w.shareKey(m, false, b.s.own.Load().prekey.PublicKey().Bytes())
		w.refused(w.guard(a), stolen(req), 403, ErrSeal.Error())
	}
}

// The same in the other direction: Mallory returns what Alice has sealed for Bob.
func TestSealOfResponseCannotBeRemoved(t *testing.T) {
	w := newWorld(t)
	a, b, m := w.keys(alice), w.keys(bob), w.pythonKeys(mallory)
	req, _ := w.prepare(b, "question")
	response := w.serve(w.guard(a), req)
	w.shareKey(m, false, a.s.own.Load().prekey.PublicKey().Bytes())
	c := &Client{Client: b.s.client, Keys: b}
	toMallory, err := syftevent.NewRequest("POST", "syft://"+mallory+"/app_data/demo/rpc/echo", "hello")
	if err != nil {
		t.Fatal(err)
	}
	_, future, err := c.prepare(toMallory)
	if err != nil {
		t.Fatal(err)
	}
	forged := *response
	forged.Headers = withoutOwnHeaders(response.Headers)
	change(&forged, "sender", mallory)
	if got, err := future.receive(&forged); !errors.Is(err, ErrSeal) {
		t.Errorf("%v, %v", got, err)
	}
}

// Keys that were replaced are not those of another person, in any encoding.
func TestReplacedPrekeysAreNotShared(t *testing.T) {
	w := newWorld(t)
	a, m := w.keys(alice), w.pythonKeys(mallory)
	old := a.s.own.Load().prekey.PublicKey().Bytes()
	req, _ := w.prepare(a, "to myself")
	if err := a.RotatePrekey(); err != nil {
		t.Fatal(err)
	}
	for _, bit := range []byte{0, 0x80} {
		disguised := bytes.Clone(old)
		disguised[31] |= bit
		w.shareKey(m, false, disguised)
		w.refused(w.guard(a), stolen(req), 403, ErrSharedKey.Error())
	}

	b := w.pythonKeys(bob)
	first, _ := w.unsealed(b, "old message")
	w.serve(w.guard(a), first)
	old = b.s.own.Load().prekey.PublicKey().Bytes()
	if err := b.RotatePrekey(); err != nil {
		t.Fatal(err)
	}
	second, _ := w.unsealed(b, "new message")
	w.serve(w.guard(a), second)
	w.shareKey(m, false, old)
	w.refused(w.guard(a), stolen(first), 403, ErrSharedKey.Error())
}

// Handlers may tell "/items/7" from "/items/7/".
func TestSealCoversSlashes(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	for _, slashes := range []string{"/", "//"} {
		req, _ := w.prepare(b, "delete")
		req.URL.Path += slashes
		w.refused(w.guard(a), req, 403, ErrSeal.Error())
	}
}

// Handlers may know people by the exact spelling of their address.
func TestSealCoversSpellingOfSender(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	for _, sender := range []string{strings.ToUpper(bob[:1]) + bob[1:], strings.ToUpper(bob)} {
		req, _ := w.prepare(b, "x")
		w.write(sender, w.read(bob))
		req.Sender = sender
		w.refused(w.guard(a), req, 403, ErrWrongPerson.Error())
		member("sender", to(sender))(req)
		w.refused(w.guard(a), req, 403, ErrSeal.Error())
	}
	kate := "kate@example.org"
	req, _ := w.prepare(w.keys(kate), "x")
	req.Sender = "\u212Aate@example.org"
	w.refused(w.guard(a), req, 403, ErrWrongPerson.Error())
}

// While a handler runs, other deliveries of its request wait for the response.
func TestConcurrentDeliveriesRunOnce(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	var runs atomic.Int32
	started, goOn := make(chan struct{}), make(chan struct{})
	h := w.guard(a).Require(syftevent.HandlerFunc(func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		if runs.Add(1) == 1 {
			close(started)
		}
		<-goOn
		return syftevent.Text(200, "paid"), nil
	}))
	req, future := w.prepare(b, "pay 5")
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			response, err := h.ServeSyft(context.Background(), req)
			if err != nil {
				t.Error(err)
			} else if got, err := future.receive(response); err != nil || got.Text() != "paid" {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	<-started
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.ServeSyft(ended, req); !errors.Is(err, context.Canceled) {
		t.Errorf("a delivery whose context has ended: %v", err)
	}
	close(goOn)
	all.Wait()
	if runs.Load() != 1 {
		t.Errorf("the handler ran %d times", runs.Load())
	}
}

// The error of a handler is not published by whoever ended its context.
func TestErrorsStayEncryptedWhenTheContextEnds(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	secret := syftevent.HandlerFunc(func(ctx context.Context, _ *syftevent.Request) (*syftevent.Response, error) {
		<-ctx.Done()
		return nil, syftevent.Errorf(409, "balance of bob is 17")
	})
	guarded := w.guard(a).Require(secret)
	req, _ := w.prepare(b, "pay 20")
	response, _ := syftevent.Respond(t.Context(), syftevent.HandlerFunc(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return guarded.ServeSyft(ctx, req)
	}), req)
	if response.StatusCode != 500 || strings.Contains(response.Text(), "balance") {
		t.Errorf("%d %s", response.StatusCode, response.Text())
	}
}

// A day after a rotation, the old prekey is in no file and not in memory.
func TestExpiredPrekeyIsRemoved(t *testing.T) {
	w := newWorld(t)
	a := w.keys(alice)
	if err := a.RotatePrekey(); err != nil {
		t.Fatal(err)
	}
	aged := *a.s.own.Load()
	aged.retired = time.Now().Add(-previousFor + time.Second)
	data := aged.encode(time.Now())
	data = bytes.Replace(data, []byte(aged.retired.UTC().Format(time.RFC3339)), []byte(time.Now().Add(-3*previousFor).UTC().Format(time.RFC3339)), 1)
	if err := writePrivate(a.s.dir, privateName, data, false); err != nil {
		t.Fatal(err)
	}
	if a.Fingerprint(); a.s.own.Load().previous != nil {
		t.Error("the previous prekey is in memory")
	}
	if stored, _, err := readPrivate(a.s.dir, privateName); err != nil || bytes.Contains(stored, []byte("previous_prekey")) {
		t.Errorf("the previous prekey is in the file (%v)", err)
	}
}

// Trust accepts a prekey that seemed to be a replaced one.
func TestTrustAcceptsRetiredPrekey(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	first := w.read(bob)
	if err := b.RotatePrekey(); err != nil {
		t.Fatal(err)
	}
	second := w.read(bob)
	c := &Client{Client: a.s.client, Keys: a}
	call := func() error {
		req, err := syftevent.NewRequest("POST", "syft://"+bob+"/app_data/demo/rpc/echo", "x")
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = c.prepare(req)
		return err
	}
	for _, document := range [][]byte{second, first} {
		w.write(bob, document)
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	w.write(bob, second)
	if err := call(); !errors.Is(err, ErrRetiredKey) {
		t.Fatalf("error %v", err)
	}
	if err := a.Trust(bob, b.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	if err := call(); err != nil {
		t.Errorf("after Trust: %v", err)
	}
}

// A response has nothing that is not authenticated.
func TestResponseHasOnlyAuthenticatedFields(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	req, future := w.prepare(b, "x")
	response := w.serve(w.guard(a), req)
	response.ID, response.Sender, response.URL.Query = "forged", mallory, "forged"
	response.Created, response.Expires = time.Now(), time.Now()
	got, err := future.receive(response)
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != req.ID || got.Sender != alice || got.URL != req.URL || !got.Created.IsZero() || !got.Expires.IsZero() {
		t.Errorf("%+v", got)
	}
}

// A file has no bytes that are not UTF-8, so a seal does not cover them.
func TestSealCoversHeadersAsWritten(t *testing.T) {
	w := newWorld(t)
	c, runs := w.start(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		r := syftevent.Text(200, req.Headers.Get("X-H"))
		r.Headers["X-H"] = "back \xff\xfe"
		return r, nil
	})
	req := w.request("x")
	req.Headers["X-H"] = "there \xff\xfe\x80 \u00fc"
	got, err := c.Call(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if want := "there \ufffd\ufffd\ufffd \u00fc"; got.Text() != want || got.Headers["X-H"] != "back \ufffd\ufffd" || runs.Load() != 1 {
		t.Errorf("the handler got %q, the client %q", got.Text(), got.Headers["X-H"])
	}
}

// start serves Alice's app with a guard until the end of the test, and returns Bob's client.
func (w *world) start(h syftevent.HandlerFunc) (*Client, *atomic.Int32) {
	w.t.Helper()
	a, b := w.keys(alice), w.keys(bob)
	guard := &Guard{Keys: a, Logger: slog.New(slog.DiscardHandler)}
	router := syftevent.NewRouter()
	router.Use(guard.Require)
	var runs atomic.Int32
	router.HandleFunc("/**", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		runs.Add(1)
		return h(ctx, req)
	})
	server := &syftevent.Server{AppName: "demo", Client: w.client(alice), Router: router, Logger: slog.New(slog.DiscardHandler)}
	if err := server.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { server.Shutdown(context.Background()) })
	return &Client{Client: w.client(bob), Keys: b}, &runs
}

// The spelling of a URL does not matter to a seal, as long as both ends read the same.
func TestSealFitsEverySpellingOfURLs(t *testing.T) {
	w := newWorld(t)
	c, _ := w.start(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.Text(200, req.URL.String()), nil
	})
	for _, path := range []string{"/echo/a%20b", "/echo/a b", "/echo/a%41", "/echo//x/", "/echo/a+b?x=%20&y=a+b#f%20g", "/echo/\u00fc", "/echo/%C3%BC", "/Echo/X"} {
		req, err := syftevent.NewRequest("POST", "syft://"+alice+"/app_data/demo/rpc"+path, "x")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Call(t.Context(), req); err != nil || got.StatusCode != 200 {
			t.Errorf("%s: %v, %v", path, got, err)
		}
	}
}

// Somebody delivers a request a second time in the legacy layout: it is still one request.
func TestLegacyCopyRunsOnce(t *testing.T) {
	w := newWorld(t)
	c, runs := w.start(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.Text(200, "paid"), nil
	})
	future, err := c.Send(t.Context(), w.request("pay 5"))
	if err != nil {
		t.Fatal(err)
	}
	rpc := filepath.Join(w.client(alice).AppData("demo"), "rpc", "echo")
	data, err := os.ReadFile(filepath.Join(rpc, bob, future.id+".request"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := future.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(rpc, "copy.tmp"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(rpc, "copy.tmp"), filepath.Join(rpc, future.id+".request")); err != nil {
		t.Fatal(err)
	}
	response := filepath.Join(rpc, future.id+".response")
	for range 2000 {
		if _, err = os.Stat(response); err == nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err != nil || runs.Load() != 1 {
		t.Errorf("%v; the handler ran %d times", err, runs.Load())
	}
}
