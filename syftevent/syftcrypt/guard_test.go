package syftcrypt

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

func TestCall(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	g := w.guard(a)
	for _, body := range []string{"", "hello, world", "h\u00e9llo", "\xff\x00 binary", strings.Repeat("x", 1<<20)} {
		req, future := w.prepare(b, body)
		if strings.Contains(string(req.Body), "hello") {
			t.Error("the request is not encrypted")
		}
		w.answered(g, req, future, body)
	}
}

func TestHandlerKnowsWhoEncrypted(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.pythonKeys(bob)
	g := w.guard(a)
	seen := 0
	handler := g.Accept(syftevent.HandlerFunc(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		seen++
		id, ok := From(ctx)
		switch req.Text() {
		case "plain":
			if ok || req.Headers.Get("X-Syft-Decrypted") != "" || req.Headers.Get("X-Syft-Original-Sender") != "" {
				t.Errorf("plaintext: %+v, %v", id, req.Headers)
			}
		default:
			want := Identity{Address: bob, Fingerprint: b.Fingerprint(), Sealed: req.Text() == "sealed"}
			if !ok || id != want || req.Headers.Get("X-Syft-Decrypted") != "true" || req.Headers.Get("X-Syft-Original-Sender") != bob {
				t.Errorf("%+v, want %+v; %v", id, want, req.Headers)
			}
		}
		return syftevent.Text(200, "ok"), nil
	}))
	plain := w.request("plain")
	plain.Sender = bob
	plain.Headers = syftevent.Headers{"x-syft-decrypted": "true", "X-SYFT-original-sender": alice}
	sealed, _ := w.prepare(b, "sealed")
	unsealed, _ := w.unsealed(b, "unsealed")
	for _, req := range []*syftevent.Request{plain, sealed, unsealed} {
		response, err := handler.ServeSyft(context.Background(), req)
		if encrypted := strings.HasPrefix(response.Text(), `{"ek":`); err != nil || encrypted != (req != plain) {
			t.Errorf("response %q, %v", response.Text(), err)
		}
	}
	if seen != 3 {
		t.Errorf("the handler was called %d times, log:\n%s", seen, &w.log)
	}
	w.refused(g, plain, 403, "not encrypted")
}

// member changes a member of an encrypted body.
func member(name string, change func(string) any) func(*syftevent.Request) {
	return func(req *syftevent.Request) {
		var members map[string]any
		if err := json.Unmarshal(req.Body, &members); err != nil {
			panic(err)
		}
		if v := change(members[name].(string)); v != nil {
			members[name] = v
		} else {
			delete(members, name)
		}
		req.Body, _ = json.Marshal(members)
	}
}

func raw(change func([]byte) []byte) func(string) any {
	return func(s string) any {
		data, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			panic(err)
		}
		return base64.StdEncoding.EncodeToString(change(data))
	}
}

func flip(i int) func([]byte) []byte {
	return func(b []byte) []byte { b[(i+len(b))%len(b)] ^= 0x80; return b }
}
func to(v any) func(string) any { return func(string) any { return v } }

func TestRefusesAlteredRequests(t *testing.T) {
	zero := make([]byte, 32)
	for name, test := range map[string]struct {
		change func(*syftevent.Request)
		status int
		text   string
		python bool // also without a seal
	}{
		"method":               {func(r *syftevent.Request) { r.Method = "DELETE" }, 403, "seal", false},
		"endpoint":             {func(r *syftevent.Request) { r.URL.Path = "/app_data/demo/rpc/delete" }, 403, "seal", false},
		"app":                  {func(r *syftevent.Request) { r.URL.Path = "/app_data/other/rpc/echo" }, 403, "seal", false},
		"query":                {func(r *syftevent.Request) { r.URL.Query = "x=2" }, 403, "seal", false},
		"header":               {func(r *syftevent.Request) { r.Headers["X-H"] = "2" }, 403, "seal", false},
		"header removed":       {func(r *syftevent.Request) { delete(r.Headers, "X-H") }, 403, "seal", false},
		"header added":         {func(r *syftevent.Request) { r.Headers["X-I"] = "" }, 403, "seal", false},
		"id":                   {func(r *syftevent.Request) { r.ID = "other" }, 403, "seal", false},
		"expires":              {func(r *syftevent.Request) { r.Expires = r.Expires.Add(time.Microsecond) }, 403, "seal", false},
		"created":              {func(r *syftevent.Request) { r.Created = r.Created.Add(-time.Hour) }, 403, "seal", false},
		"seal removed":         {func(r *syftevent.Request) { r.Headers.Del(SealHeader) }, 403, "seal", false},
		"seal empty":           {func(r *syftevent.Request) { r.Headers[SealHeader] = "" }, 403, "seal", false},
		"seal version":         {func(r *syftevent.Request) { r.Headers[SealHeader] = "2" + r.Headers[SealHeader][1:] }, 403, "seal", false},
		"folder":               {func(r *syftevent.Request) { r.Sender = mallory }, 403, "another sender", true},
		"sender":               {member("sender", to(mallory)), 403, "another sender", true},
		"sender and folder":    {func(r *syftevent.Request) { r.Sender = mallory; member("sender", to(mallory))(r) }, 403, "decryption failed", true},
		"receiver":             {member("receiver", to(bob)), 403, "another receiver", true},
		"no receiver":          {member("receiver", to(nil)), 400, "malformed", true},
		"sender a path":        {member("sender", to("../bob@example.org")), 400, "malformed", true},
		"ciphertext":           {member("ciphertext", raw(flip(0))), 403, "decryption failed", true},
		"ciphertext truncated": {member("ciphertext", raw(func(b []byte) []byte { return b[:len(b)-1] })), 403, "decryption failed", true},
		"ciphertext extended":  {member("ciphertext", raw(func(b []byte) []byte { return append(b, 0) })), 403, "decryption failed", true},
		"ciphertext empty":     {member("ciphertext", to("")), 403, "decryption failed", true},
		"ciphertext a number":  {member("ciphertext", to(1)), 400, "malformed", true},
		"ciphertext unpadded":  {member("ciphertext", func(s string) any { return s + "=" }), 400, "malformed", true},
		"ciphertext lines":     {member("ciphertext", func(s string) any { return s[:4] + "\n" + s[4:] }), 400, "malformed", true},
		"tag":                  {member("tag", raw(flip(0))), 403, "decryption failed", true},
		"tag short":            {member("tag", raw(func(b []byte) []byte { return b[:4] })), 400, "malformed", true},
		"tag long":             {member("tag", raw(func(b []byte) []byte { return append(b, 0) })), 400, "malformed", true},
		"iv":                   {member("iv", raw(flip(0))), 403, "decryption failed", true},
		"iv long":              {member("iv", raw(func(b []byte) []byte { return append(b, 0, 0, 0, 0) })), 400, "malformed", true},
		"key":                  {member("ek", raw(flip(0))), 403, "decryption failed", true},
		"key zero":             {member("ek", to(base64.StdEncoding.EncodeToString(zero))), 403, "weak", true},
		"key long":             {member("ek", raw(func(b []byte) []byte { return append(b, 0) })), 400, "malformed", true},
		"key, the unused bit":  {member("ek", raw(flip(-1))), 403, "seal", false},
		"version":              {member("version", to("9.9")), 400, "malformed", true},
		"duplicate member":     {func(r *syftevent.Request) { r.Body = append(r.Body[:len(r.Body)-1], `,"iv":"x"}`...) }, 403, "not encrypted", true},
		"trailing data":        {func(r *syftevent.Request) { r.Body = append(r.Body, '1') }, 403, "not encrypted", true},
		"truncated":            {func(r *syftevent.Request) { r.Body = r.Body[:len(r.Body)-1] }, 403, "not encrypted", true},
		"no body":              {func(r *syftevent.Request) { r.Body = nil }, 403, "not encrypted", true},
		"plaintext":            {func(r *syftevent.Request) { r.Body = []byte(`{"a":1}`) }, 403, "not encrypted", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			g := w.guard(w.keys(alice))
			w.keys(mallory)
			req, future := w.prepare(w.keys(bob), "secret text")
			altered := *req
			altered.Headers = withoutOwnHeaders(req.Headers)
			altered.Headers[SealHeader] = req.Headers[SealHeader]
			altered.Body = []byte(string(req.Body))
			test.change(&altered)
			w.refused(g, &altered, test.status, test.text)
			if strings.Contains(w.log.String(), "secret text") {
				t.Error("the log has the plaintext")
			}
			w.answered(g, req, future, "secret text") // a forgery does not use up the message

			if !test.python {
				return
			}
			w = newWorld(t)
			g = w.guard(w.keys(alice))
			w.pythonKeys(mallory)
			req, future = w.unsealed(w.pythonKeys(bob), "secret text")
			altered = *req
			altered.Body = []byte(string(req.Body))
			test.change(&altered)
			w.refused(g, &altered, test.status, test.text)
			w.answered(g, req, future, "secret text")
		})
	}
}

func TestRefusesReplays(t *testing.T) {
	for _, sealed := range []bool{true, false} {
		w := newWorld(t)
		g := w.guard(w.keys(alice))
		var req *syftevent.Request
		var future *Future
		text := "received before"
		if sealed {
			req, future = w.prepare(w.keys(bob), "once")
			text = "seal"
		} else {
			req, future = w.unsealed(w.pythonKeys(bob), "once")
		}
		w.answered(g, req, future, "once")
		again := *req
		again.ID = "another"
		w.refused(g, &again, 403, text)
		again.Headers = req.Headers
		again = *req
		again.Created = again.Created.Add(time.Second)
		w.refused(g, &again, 403, text)

		// Equivalent encodings of the ephemeral key do not make it another message.
		again = *req
		again.ID = "another"
		again.Body = []byte(string(req.Body))
		member("ek", raw(flip(-1)))(&again)
		w.refused(g, &again, 403, text)

		other := w.guard(g.Keys) // shares the memory
		w.refused(other, &again, 403, text)

		// A server that repeats the request gets the same response, and the handler does not run.
		ran := w.ran
		for range 2 * maxRuns {
			if got := w.serve(g, req); got.StatusCode != 200 || w.ran != ran {
				t.Errorf("repeated request: %d %s, %d runs", got.StatusCode, got.Text(), w.ran-ran)
			}
		}
		w.answered(w.guard(w.restarted(g.Keys)), req, future, "once") // the handler runs again after a restart
	}
}

func TestReplayMemoryIsBounded(t *testing.T) {
	var r replays
	key := func(i int) (d digest) { copy(d[:], fmt.Sprint(i)); return d }
	if r.accept("victim", key(-1), key(-1)) == nil {
		t.Fatal("refused")
	}
	for person := range 40 {
		for i := range 3000 {
			if r.accept(fmt.Sprint("person", person), key(i), key(i)) == nil {
				t.Fatal("refused")
			}
		}
	}
	if r.total > replaysTotal || r.accept("victim", key(-1), key(0)) != nil {
		t.Errorf("%d messages, or the victim's was forgotten", r.total)
	}
	for i := range 2 * replaysPerPerson {
		r.accept("one", key(i), key(i))
	}
	if p := r.persons["one"]; len(p.order) > replaysPerPerson || len(p.order) != len(p.seen) {
		t.Errorf("%d messages of one person", len(p.order))
	}
}

func TestSealedOnlyRefusesThePythonPackage(t *testing.T) {
	w := newWorld(t)
	g := w.guard(w.keys(alice))
	g.SealedOnly = true
	b := w.pythonKeys(bob)
	req, _ := w.unsealed(b, "x")
	w.refused(g, req, 403, "seal")
	sealed, future := w.prepare(b, "x")
	w.answered(g, sealed, future, "x")
}

func TestRefusesAlteredResponses(t *testing.T) {
	for name, test := range map[string]struct {
		change func(r *syftevent.Response)
		want   error
	}{
		"status":       {func(r *syftevent.Response) { r.StatusCode = 201 }, ErrSeal},
		"header":       {func(r *syftevent.Response) { r.Headers["X-Echo"] = "no" }, ErrSeal},
		"seal removed": {func(r *syftevent.Response) { r.Headers.Del(SealHeader) }, ErrSeal},
		"plaintext":    {func(r *syftevent.Response) { r.Body = []byte("forged") }, ErrNotEncrypted},
		"no body":      {func(r *syftevent.Response) { r.Body = nil }, ErrNotEncrypted},
		"truncated":    {func(r *syftevent.Response) { r.Body = r.Body[:len(r.Body)-2] }, ErrNotEncrypted},
		"sender":       {func(r *syftevent.Response) { change(r, "sender", mallory) }, ErrWrongPerson},
		"receiver":     {func(r *syftevent.Response) { change(r, "receiver", alice) }, ErrWrongPerson},
		"tag":          {func(r *syftevent.Response) { change(r, "tag", "AAAAAAAAAAAAAAAAAAAAAA==") }, ErrDecrypt},
		"version":      {func(r *syftevent.Response) { change(r, "version", "2") }, ErrMalformed},
	} {
		w := newWorld(t)
		g := w.guard(w.keys(alice))
		req, future := w.prepare(w.keys(bob), "x")
		response := w.serve(g, req)
		test.change(response)
		if got, err := future.receive(response); !errors.Is(err, test.want) || got != nil {
			t.Errorf("%s: %v, %v; want %v", name, got, err, test.want)
		}
	}
}

func change(r *syftevent.Response, name string, value any) {
	req := &syftevent.Request{Body: r.Body}
	member(name, to(value))(req)
	r.Body = req.Body
}

func TestRefusesResponseOfAnotherRequest(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	g := w.guard(a)
	req1, future1 := w.prepare(b, "first")
	req2, future2 := w.prepare(b, "second")
	response1 := w.serve(g, req1)
	w.serve(g, req2)
	if _, err := future2.receive(response1); !errors.Is(err, ErrSeal) {
		t.Errorf("error %v", err)
	}
	if got, err := future1.receive(response1); err != nil || got.Text() != "first" {
		t.Errorf("%v, %v", got, err)
	}

	// Without seals the memory of messages remains.
	w = newWorld(t)
	a, b = w.pythonKeys(alice), w.pythonKeys(bob)
	g = w.guard(a)
	req1, future1 = w.unsealed(b, "first")
	_, future2 = w.unsealed(b, "second")
	w.serve(g, req1)
	response1 = w.pythonResponse(a, b, "first")
	if got, err := future1.receive(response1); err != nil || got.Text() != "first" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := future2.receive(response1); !errors.Is(err, ErrReplay) {
		t.Errorf("error %v", err)
	}

	// A message that the server sent as a client is not a response.
	c := &Client{Client: a.s.client, Keys: a}
	reverse, _ := syftevent.NewRequest("POST", "syft://"+bob+"/app_data/demo/rpc/echo", "order")
	sent, toBob, err := c.prepare(reverse)
	if err != nil {
		t.Fatal(err)
	}
	w.asPython(a, sent, toBob, "order")
	atBob := *sent
	atBob.Sender = alice
	atBob.Headers = withoutOwnHeaders(sent.Headers)
	if got := w.serve(w.guard(b), &atBob); got.StatusCode != 200 {
		t.Fatalf("%d %s", got.StatusCode, got.Text())
	}
	forged := &syftevent.Response{StatusCode: 200, Headers: syftevent.Headers{}, Body: sent.Body}
	if _, err := future2.receive(forged); !errors.Is(err, ErrReplay) {
		t.Errorf("error %v", err)
	}
}

func TestAcceptPlaintext(t *testing.T) {
	w := newWorld(t)
	w.keys(alice)
	_, future := w.prepare(w.keys(bob), "x")
	plain := syftevent.Text(404, "no such endpoint")
	_, err := future.receive(plain)
	var plaintext *PlaintextError
	if !errors.As(err, &plaintext) || plaintext.Response.StatusCode != 404 || !strings.Contains(err.Error(), "no such endpoint") {
		t.Errorf("error %v", err)
	}
	future.client.AcceptPlaintext = true
	if got, err := future.receive(plain); err != nil || got.StatusCode != 404 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestErrorsOfHandlersAreEncrypted(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	g := w.guard(a)
	for name, test := range map[string]struct {
		handler syftevent.HandlerFunc
		status  int
		text    string
		line    string
	}{
		"error": {func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			return nil, errors.New("inside")
		}, 500, "Internal server error", "inside"},
		"chosen": {func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			return nil, syftevent.Errorf(409, "taken")
		}, 409, "taken", ""},
		"panic": {func(context.Context, *syftevent.Request) (*syftevent.Response, error) { panic("inside") }, 500, "Internal server error", "inside"},
		"nil":   {func(context.Context, *syftevent.Request) (*syftevent.Response, error) { return nil, nil }, 500, "Internal server error", ""},
		"no status": {func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			return &syftevent.Response{Body: []byte("b")}, nil
		}, 200, "b", ""},
		"no body": {func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			return &syftevent.Response{StatusCode: 204}, nil
		}, 204, "", ""},
	} {
		w.log.Reset()
		req, future := w.prepare(b, "x")
		response, err := g.Require(test.handler).ServeSyft(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := future.receive(response)
		if err != nil || got.StatusCode != test.status || !strings.Contains(got.Text(), test.text) || !strings.Contains(w.log.String(), test.line) {
			t.Errorf("%s: %+v, %v, log %s", name, got, err, &w.log)
		}
	}

	// A canceled handler leaves the request for the next start.
	ctx, cancel := context.WithCancel(context.Background())
	req, _ := w.prepare(b, "x")
	response, err := g.Require(syftevent.HandlerFunc(func(ctx context.Context, _ *syftevent.Request) (*syftevent.Response, error) {
		cancel()
		return nil, ctx.Err()
	})).ServeSyft(ctx, req)
	if response != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", response, err)
	}
}

// The Python package cannot decrypt what is not UTF-8.
func TestBinaryNeedsSeals(t *testing.T) {
	w := newWorld(t)
	w.pythonKeys(alice)
	b := w.keys(bob)
	c := &Client{Client: b.s.client, Keys: b}
	if _, _, err := c.prepare(w.request("\xff")); !errors.Is(err, ErrNotText) {
		t.Errorf("error %v", err)
	}
	c.SealedOnly = true
	if _, _, err := c.prepare(w.request("x")); !errors.Is(err, ErrSeal) {
		t.Errorf("error %v", err)
	}
	g := w.guard(w.keys(alice))
	w.pythonKeys(bob)
	req, future := w.unsealed(w.keys(bob), "x")
	response, err := g.Require(syftevent.HandlerFunc(func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.Bytes(200, []byte("\xff")), nil
	})).ServeSyft(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := future.receive(response); err != nil || got.StatusCode != 500 || !strings.Contains(w.log.String(), "UTF-8") {
		t.Errorf("%v, %v, log %s", got, err, &w.log)
	}
}

func TestSchemaOfGuardedHandlers(t *testing.T) {
	w := newWorld(t)
	type in struct{ A int }
	inner := syftevent.Typed(func(ctx context.Context, in in) (int, error) { return in.A, nil })
	g := w.guard(w.keys(alice))
	if got, want := fmt.Sprint(syftevent.GenerateSchema(g.Require(inner))), fmt.Sprint(syftevent.GenerateSchema(inner)); got != want {
		t.Errorf("schema %s, want %s", got, want)
	}
}

func TestNestedGuards(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.pythonKeys(bob)
	g := w.guard(a)
	sealedOnly := w.guard(a)
	sealedOnly.SealedOnly = true
	handler := syftevent.HandlerFunc(w.echo)
	serve := func(h syftevent.Handler, req *syftevent.Request) *syftevent.Response {
		t.Helper()
		response, err := h.ServeSyft(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		return response
	}
	nested := g.Accept(g.Require(handler))
	req, future := w.prepare(b, "x")
	if got, err := future.receive(serve(nested, req)); err != nil || got.Text() != "x" {
		t.Errorf("%v, %v", got, err)
	}
	plain := w.request("x")
	plain.Sender = bob
	if got := serve(nested, plain); got.StatusCode != 403 || w.ran != 1 {
		t.Errorf("%d %s", got.StatusCode, got.Text())
	}
	req, future = w.unsealed(b, "x")
	if got, err := future.receive(serve(g.Accept(sealedOnly.Require(handler)), req)); err != nil || got.StatusCode != 403 || w.ran != 1 {
		t.Errorf("%v, %v", got, err)
	}

	// A handler passes another request on with the context of an encrypted one.
	for name, change := range map[string]func(*syftevent.Request){
		"id":     func(r *syftevent.Request) { r.ID = "another" },
		"sender": func(r *syftevent.Request) { r.Sender = mallory },
	} {
		inner := syftevent.HandlerFunc(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
			if id, ok := From(ctx); ok {
				t.Errorf("%s: %+v", name, id)
			}
			return syftevent.Text(200, "inner"), nil
		})
		outer := g.Require(syftevent.HandlerFunc(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
			other := *req
			change(&other)
			return g.Accept(inner).ServeSyft(ctx, &other)
		}))
		req, future = w.prepare(b, "x")
		if got, err := future.receive(serve(outer, req)); err != nil || got.Text() != "inner" {
			t.Errorf("%v, %v", got, err)
		}
	}
}

func TestKeptResponsesAreBounded(t *testing.T) {
	var r replays
	key := func(i int) (d digest) { copy(d[:], fmt.Sprint(i)); return d }
	response := syftevent.Bytes(200, make([]byte, maxAnswers/4))
	for i := range 10 {
		u := r.accept(bob, key(i), key(i))
		r.answer(u, response)
		r.answer(u, response)
		if u.response == nil {
			t.Errorf("response %d was not kept", i)
		}
	}
	if r.size > maxAnswers || len(r.answers) > 4 || r.persons[bob].seen[key(0)].response != nil {
		t.Errorf("%d responses of %d bytes are kept", len(r.answers), r.size)
	}
	// Without the response the handler runs again, a few times.
	for i := range 2 * maxRuns {
		u := r.accept(bob, key(0), key(0))
		_, err := r.begin(t.Context(), u)
		if (err == nil) != (i < maxRuns) {
			t.Errorf("delivery %d: %v", i+1, err)
		}
		if err == nil {
			r.end(u)
		}
	}
	u := r.accept(bob, key(11), key(11))
	r.answer(u, syftevent.Bytes(200, make([]byte, maxAnswers+1)))
	if u.response != nil {
		t.Error("a huge response was kept")
	}
}
