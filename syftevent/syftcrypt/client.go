package syftcrypt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// A Client makes encrypted calls. It encrypts the body of a request and decrypts that of the
// response. The fields must not be changed after first use. The methods may be called
// concurrently.
type Client struct {
	// Client sends the requests. It is required, and belongs to the user of Keys.
	Client *syftevent.Client
	// Keys are the keys of the user. They are required.
	Keys *Keys
	// AcceptPlaintext returns responses that are not encrypted, which whoever can write the file
	// may have forged. By default they are a [*PlaintextError]. The server of the Python package
	// encrypts responses only with encrypt_reply=True, and none that has no body.
	AcceptPlaintext bool
	// SealedOnly refuses to call servers that do not promise to seal messages, and thereby
	// those of the Python package.
	SealedOnly bool
}

// A PlaintextError is a response that is not encrypted. It wraps [ErrNotEncrypted]. The server
// responds so if it refuses the request, does not decrypt it, or has no such endpoint; but
// whoever can write the file may have forged it.
type PlaintextError struct {
	// Response is the response.
	Response *syftevent.Response
}

// Error returns the status and the beginning of the body.
func (e *PlaintextError) Error() string {
	return fmt.Sprintf("%v: status %d, body %.100q", ErrNotEncrypted, e.Response.StatusCode, e.Response.Body)
}

// Unwrap returns [ErrNotEncrypted].
func (e *PlaintextError) Unwrap() error { return ErrNotEncrypted }

// Send encrypts and sends a request, as [syftevent.Client.Send] does. It does not modify req. It
// has no options: an encrypted request cannot be cached. A nil body is sent as an empty one. The
// method, the URL, the headers and the ID are not encrypted.
//
// Send returns an error and sends nothing if the server's DID document is missing, invalid or
// contradicts what is known: see the errors of this package. It returns [ErrNotText] if the body
// is not UTF-8 and the server does not promise to seal messages: it is probably the Python
// package, which cannot decrypt such a body.
func (c *Client) Send(ctx context.Context, req *syftevent.Request) (*Future, error) {
	future, err := c.send(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("syftcrypt: send request to %s: %w", req.URL, err)
	}
	return future, nil
}

func (c *Client) send(ctx context.Context, req *syftevent.Request) (*Future, error) {
	sent, future, err := c.prepare(req)
	if err != nil {
		return nil, err
	}
	if future.future, err = c.Client.Send(ctx, sent); err != nil {
		return nil, err
	}
	return future, nil
}

// prepare returns the encrypted request, and the Future that decrypts the response.
func (c *Client) prepare(req *syftevent.Request) (*syftevent.Request, *Future, error) {
	if c.Client == nil || c.Keys == nil {
		return nil, nil, errors.New("field Client or Keys is nil")
	}
	k := c.Keys
	if !sameAddress(c.Client.Email, k.s.client.Email) {
		return nil, nil, fmt.Errorf("the keys are those of %s, and the client is that of %s", k.s.client.Email, c.Client.Email)
	}
	o := k.current()
	to, err := k.peer(req.URL.Datasite, o)
	if err != nil {
		return nil, nil, err
	}
	if c.SealedOnly && !to.seals {
		return nil, nil, fmt.Errorf("%w: %s does not promise to seal messages", ErrSeal, to.address)
	}
	if err := checkText(req.Body, to.seals); err != nil {
		return nil, nil, err
	}
	if err := k.remember(to, false); err != nil {
		return nil, nil, err
	}
	sent, err := withDefaults(req)
	if err != nil {
		return nil, nil, err
	}
	m, keys, parties, err := k.encrypt(sent.Body, o, o.prekey, to)
	if err != nil {
		return nil, nil, err
	}
	sent.Headers[SealHeader] = keys.sealRequest(parties, m, sent)
	sent.Body = m.encode()
	return sent, &Future{client: c, id: sent.ID, url: sent.URL, to: to, request: m.id()}, nil
}

// withDefaults returns a copy of a request with the fields that the seal covers.
func withDefaults(req *syftevent.Request) (*syftevent.Request, error) {
	sent := *req
	sent.Headers = withoutOwnHeaders(req.Headers)
	fresh, err := syftevent.NewRequest("GET", req.URL.String(), nil)
	if err != nil {
		return nil, err
	}
	if sent.Method == "" {
		sent.Method = fresh.Method
	}
	if sent.ID == "" {
		sent.ID = fresh.ID
	}
	if sent.Created.IsZero() {
		sent.Created = fresh.Created
	}
	if sent.Expires.IsZero() {
		sent.Expires = fresh.Expires
	}
	return &sent, nil
}

// Call sends a request and waits for the response, as [syftevent.Client.Call] does.
func (c *Client) Call(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	future, err := c.Send(ctx, req)
	if err != nil {
		return nil, err
	}
	defer future.Cancel()
	return future.Wait(ctx)
}

// A Future is a pending encrypted response. Its methods may be called concurrently.
type Future struct {
	client  *Client
	future  *syftevent.Future
	id      string
	url     syftevent.URL
	to      *peer  // the server's keys when the request was sent
	request digest // the ID of the message in the request

	mu       sync.Mutex
	done     bool
	response *syftevent.Response
	err      error
}

// Wait waits for the response and decrypts it. Created and Expires of the response are zero: nothing
// authenticates them. Its errors are those of [syftevent.Future.Wait],
// and those of this package if the response cannot be authenticated.
func (f *Future) Wait(ctx context.Context) (*syftevent.Response, error) {
	response, err := f.future.Wait(ctx)
	if err != nil {
		return nil, err
	}
	return f.open(response)
}

// Poll checks once for the response, without waiting, as [syftevent.Future.Poll] does.
func (f *Future) Poll() (response *syftevent.Response, done bool, err error) {
	response, done, err = f.future.Poll()
	if !done || err != nil {
		return nil, done, err
	}
	response, err = f.open(response)
	return response, true, err
}

// Cancel abandons the request, as [syftevent.Future.Cancel] does.
func (f *Future) Cancel() { f.future.Cancel() }

// Future returns the future of the encrypted response.
func (f *Future) Future() *syftevent.Future { return f.future }

// open decrypts the response once.
func (f *Future) open(response *syftevent.Response) (*syftevent.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.done {
		f.done = true
		if f.response, f.err = f.receive(response); f.err != nil {
			f.err = fmt.Errorf("syftcrypt: response to request %s to %s: %w", f.id, f.url, f.err)
		}
	}
	return f.response, f.err
}

// receive decrypts a response and checks that it belongs to the request.
func (f *Future) receive(response *syftevent.Response) (*syftevent.Response, error) {
	k := f.client.Keys
	m, err := parseMessage(response.Body)
	inner := *response
	inner.Headers = withoutOwnHeaders(response.Headers)
	if err == errNotMessage {
		if !f.client.AcceptPlaintext {
			return nil, &PlaintextError{&inner}
		}
		return &inner, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if !sameAddress(m.sender, f.to.address) || !sameAddress(m.receiver, k.s.client.Email) {
		return nil, fmt.Errorf("%w: from %s to %s", ErrWrongPerson, m.sender, m.receiver)
	}
	if m.id() == f.request {
		return nil, fmt.Errorf("%w: it is the request", ErrReplay)
	}
	o := k.current()
	message, err := k.open(m, o, f.to)
	if err != nil {
		return nil, err
	}
	want := message.keys.sealResponse(message.parties, m, f.request, f.id, f.url, response.StatusCode, response.Headers)
	sealed, err := message.keys.checkSeal(m, response.Headers, want, f.to.seals || f.client.SealedOnly)
	if err != nil {
		return nil, err
	}
	if _, err := k.accept(m.sender, m.id(), responseDigest(f.request, f.id), sealed); err != nil {
		return nil, err
	}
	if err := k.prove(f.to); err != nil {
		return nil, err
	}
	inner.Body = message.body
	// What a seal does not cover is that of the request.
	inner.ID, inner.Sender, inner.URL = f.id, f.to.address, f.url
	inner.Created, inner.Expires = time.Time{}, time.Time{}
	return &inner, nil
}
