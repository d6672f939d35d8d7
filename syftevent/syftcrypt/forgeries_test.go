package syftcrypt

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

var forgeries = flag.Int("forgeries", 1000, "try `N` random forgeries")

// A forger has seen many messages, and combines and changes their parts.
type forger struct {
	*rand.Rand
	requests []*syftevent.Request
	bodies   [][]byte
	seals    []string
}

func pick[T any](f *forger, from []T) T { return from[f.IntN(len(from))] }

// body returns a body that was seen, or one with members of others, or a changed one.
func (f *forger) body() []byte {
	body := pick(f, f.bodies)
	if f.IntN(3) == 0 {
		return body
	}
	var members, others map[string]any
	json.Unmarshal(body, &members)
	for name := range members {
		if f.IntN(4) != 0 {
			continue
		}
		switch f.IntN(4) {
		case 0, 1:
			json.Unmarshal(pick(f, f.bodies), &others)
			members[name] = others[name]
		case 2:
			members[name] = pick(f, []string{alice, bob, mallory, "1.0", "", "AAAA"})
		case 3:
			text := []byte(fmt.Sprint(members[name]))
			if len(text) > 0 {
				text[f.IntN(len(text))] ^= 1 << f.IntN(7)
			}
			members[name] = string(text)
		}
	}
	body, _ = json.Marshal(members)
	return body
}

// request returns a forged request, sometimes a true one.
func (f *forger) request() *syftevent.Request {
	req := *pick(f, f.requests)
	req.Headers = withoutOwnHeaders(req.Headers)
	req.Headers[SealHeader] = pick(f, f.requests).Headers[SealHeader]
	if original := pick(f, f.requests); f.IntN(2) == 0 {
		req = *original
		req.Headers = withoutOwnHeaders(original.Headers)
		req.Headers[SealHeader] = original.Headers[SealHeader]
	}
	for f.IntN(2) == 0 {
		other := pick(f, f.requests)
		switch f.IntN(12) {
		case 0:
			req.ID = other.ID
		case 1:
			req.Method = other.Method
		case 2:
			req.URL = other.URL
		case 3:
			req.Headers["X-H"] = other.Headers["X-H"]
		case 4:
			req.Headers[SealHeader] = pick(f, f.seals)
		case 5:
			req.Headers.Del(SealHeader)
		case 6:
			req.Sender = pick(f, []string{alice, bob, mallory})
		case 7, 8, 9:
			req.Body = f.body()
		case 10:
			req.Expires = other.Expires
		case 11:
			req.Created = other.Created
		}
	}
	return &req
}

// call describes what a handler must never get in any other combination.
func callOf(req *syftevent.Request, body string) string {
	return fmt.Sprint(req.Sender, req.ID, req.Method, req.URL, req.Headers["X-H"], req.Created.UnixMicro(), req.Expires.UnixMicro(), body)
}

// TestRandomForgeries gives a server random combinations of true messages between three people.
// With seals it runs only what was sent to it, exactly. Without, it runs only bodies that the
// sender made for it, each as a part of one request.
func TestRandomForgeries(t *testing.T) {
	for _, seals := range []bool{true, false} {
		t.Run(fmt.Sprintf("seals=%v", seals), func(t *testing.T) {
			w := newWorld(t)
			people := []string{alice, bob, mallory}
			keys := map[string]*Keys{}
			for _, address := range people {
				if keys[address] = w.keys(address); !seals {
					keys[address] = w.pythonKeys(address)
				}
			}
			seed := uint64(time.Now().UnixNano())
			f := &forger{Rand: rand.New(rand.NewPCG(seed, 0))}
			t.Logf("seed %d", seed)
			calls := map[string]bool{}    // that were sent to Alice
			texts := map[string]string{}  // the sender of each text to Alice
			usedAs := map[string]string{} // the call in which a text was run
			ran := 0
			g := &Guard{Keys: keys[alice], Logger: slog.New(slog.DiscardHandler)}
			handler := g.Require(syftevent.HandlerFunc(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
				ran++
				id, ok := From(ctx)
				got := callOf(req, req.Text())
				switch {
				case !ok || id.Address != req.Sender || id.Sealed != (seals && ok) && seals:
					t.Errorf("identity %+v of %s", id, got)
				case seals && !calls[got]:
					t.Errorf("ran %s", got)
				case !seals && req.Text() == "ok":
					return nil, nil // a response without a seal can become a request of the same person
				case texts[req.Text()] != req.Sender:
					t.Errorf("%s ran %q of %q", req.Sender, req.Text(), texts[req.Text()])
				case usedAs[req.Text()] != "" && usedAs[req.Text()] != got:
					t.Errorf("ran %s and %s", usedAs[req.Text()], got)
				}
				usedAs[req.Text()] = got
				return syftevent.Text(200, "re: "+req.Text()), nil
			}))
			// True messages between all, in both directions, with their responses.
			for i := range 30 {
				from, server := pick(f, people), pick(f, people)
				text := fmt.Sprint("text ", i)
				req, err := syftevent.NewRequest(pick(f, []string{"GET", "POST"}), "syft://"+server+"/app_data/demo/rpc/"+pick(f, []string{"a", "b"}), text)
				if err != nil {
					t.Fatal(err)
				}
				req.Headers["X-H"] = pick(f, []string{"1", "2"})
				req.Expires = req.Expires.Add(time.Duration(f.IntN(3)) * time.Second)
				sent, future, err := (&Client{Client: keys[from].s.client, Keys: keys[from]}).prepare(req)
				if err != nil {
					t.Fatal(err)
				}
				sent.Sender = from
				if !seals {
					w.asPython(keys[from], sent, future, text)
				}
				f.bodies, f.seals = append(f.bodies, sent.Body), append(f.seals, sent.Headers[SealHeader])
				f.requests = append(f.requests, sent)
				if server == alice {
					calls[callOf(sent, text)], texts[text] = true, from
				} else {
					echo := &Guard{Keys: keys[server], Logger: slog.New(slog.DiscardHandler)}
					response := w.serveQuietly(echo, sent)
					f.bodies, f.seals = append(f.bodies, response.Body), append(f.seals, response.Headers[SealHeader])
				}
			}
			for range *forgeries {
				req := f.request()
				before := bytes.Clone(req.Body)
				if _, err := handler.ServeSyft(context.Background(), req); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(before, req.Body) {
					t.Fatal("the request was changed")
				}
			}
			if ran == 0 || ran > maxRuns*len(f.bodies) {
				t.Errorf("%d requests were run, %d were sent", ran, len(texts))
			}
		})
	}
}
