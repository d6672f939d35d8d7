package syftcrypt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/internal/loglimit"
)

// A Guard decrypts the requests to a server and encrypts its responses. Its methods Require and
// Accept are a [syftevent.Middleware]:
//
//	guard := &syftcrypt.Guard{Keys: keys}
//	router.Use(guard.Require)                          // all endpoints
//	router.Handle("/mixed", guard.Accept(handler))     // or one
//
// They may be combined: with router.Use(guard.Accept), guard.Require(handler) makes encryption
// mandatory for one endpoint.
//
// Middleware that changes headers belongs inside of it, because the seals cover them.
//
// The handler gets the decrypted body; [From] returns who encrypted it. The headers
// X-Syft-Decrypted and X-Syft-Original-Sender are set as in the Python package, and only then.
// Errors and panics of the handler are logged and become encrypted responses too.
//
// The Guard refuses a message with status 400 if it is malformed, with 403 if it cannot be
// authenticated, and with 503 if the keys on this machine cannot be used. It does not call the
// handler, and logs one line. The response says why, and is not encrypted.
//
// Fields must not be changed after first use.
type Guard struct {
	// Keys are the keys of the server's user. They are required.
	Keys *Keys
	// SealedOnly refuses messages without a seal, and thereby those of the Python package.
	SealedOnly bool
	// MaxBody limits the body of a response, in bytes. A larger one becomes an encrypted response with
	// status 500. Defaults to [DefaultMaxBody]. Negative disables the limit.
	MaxBody int
	// Logger receives a line for each refused request and each failed handler, 30 of a kind a
	// minute. Defaults to slog.Default().
	Logger *slog.Logger

	once   sync.Once
	logger *slog.Logger
}

// DefaultMaxBody is the default of [Guard.MaxBody], in bytes. Clients of package syftevent refuse
// the files of responses with larger bodies by default, see [syftevent.DefaultMaxResponseSize]:
// encryption makes a body a third longer, and the file once more.
const DefaultMaxBody = 35 << 20

// Require wraps a handler that gets only encrypted requests. Others are refused with status 403.
func (g *Guard) Require(next syftevent.Handler) syftevent.Handler { return g.wrap(next, true) }

// Accept wraps a handler that gets encrypted requests and others, for which [From] returns false.
// Whoever can forge a sender (see "Senders" in package syftevent) can send the latter. A request
// that is a JSON object with the members of an encrypted one, and cannot be decrypted, is refused.
func (g *Guard) Accept(next syftevent.Handler) syftevent.Handler { return g.wrap(next, false) }

func (g *Guard) wrap(next syftevent.Handler, require bool) syftevent.Handler {
	if g.Keys == nil {
		panic("syftcrypt: Guard.Keys is nil")
	}
	return &guarded{g, next, require}
}

type guarded struct {
	*Guard
	next    syftevent.Handler
	require bool
}

// Unwrap returns the inner handler, of which the schema is.
func (h *guarded) Unwrap() syftevent.Handler { return h.next }

// An Identity is who encrypted a request.
type Identity struct {
	// Address is the e-mail address, the same as [syftevent.Request.Sender]. If Sealed is false, its
	// upper and lower case may not be the person's own.
	Address string
	// Fingerprint is that of the person's [Keys.Fingerprint].
	Fingerprint string
	// Trusted reports whether the fingerprint was given to [Keys.Trust]. Otherwise the first
	// DID document with the address was trusted.
	Trusted bool
	// Sealed reports whether the method, the URL, the headers, the ID and the times of the
	// request are authenticated too, and not only the body.
	Sealed bool
}

type callKey struct{}

// A call is what a Guard passes to inner handlers in the context.
type call struct {
	Identity
	keys *state
	id   string
}

// From returns who encrypted the request for which a handler was called. It returns false if the
// request was not encrypted.
func From(ctx context.Context) (Identity, bool) {
	c, ok := ctx.Value(callKey{}).(call)
	return c.Identity, ok
}

// ServeSyft implements [syftevent.Handler].
func (h *guarded) ServeSyft(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	if outer, ok := ctx.Value(callKey{}).(call); ok && outer.keys == h.Keys.s && outer.id == req.ID && sameAddress(outer.Address, req.Sender) {
		// An outer Guard has decrypted the request, and encrypts the response.
		if h.SealedOnly && !outer.Sealed {
			return h.refuse(ctx, req, ErrSeal), nil
		}
		return h.next.ServeSyft(ctx, req)
	}
	// The request is not the one for which the context was made.
	ctx = context.WithValue(ctx, callKey{}, nil)
	inner := *req
	inner.Headers = withoutOwnHeaders(req.Headers)
	m, err := parseMessage(req.Body)
	if err == errNotMessage && !h.require {
		return h.next.ServeSyft(ctx, &inner)
	}
	o := h.Keys.current()
	var message *opened
	var sealed bool
	switch {
	case err == errNotMessage:
		err = ErrNotEncrypted
	case err != nil:
		err = fmt.Errorf("%w: %w", ErrMalformed, err)
	default:
		message, sealed, err = h.receive(m, o, req)
	}
	if err != nil {
		return h.refuse(ctx, req, err), nil
	}
	again, err := h.Keys.s.replays.begin(ctx, message.use)
	switch {
	case err == ErrReplay:
		return h.refuse(ctx, req, err), nil
	case again != nil || err != nil:
		return again, err
	}
	defer h.Keys.s.replays.end(message.use)
	inner.Body = message.body
	inner.Headers["X-Syft-Decrypted"], inner.Headers["X-Syft-Original-Sender"] = "true", m.sender
	ctx = context.WithValue(ctx, callKey{}, call{
		Identity{req.Sender, fingerprint(req.Sender, message.from.identity, message.from.seals), message.from.trusted, sealed},
		h.Keys.s, req.ID,
	})
	response, err := h.call(ctx, &inner)
	if err != nil {
		return nil, err
	}
	response, err = h.reply(response, o, message, m, req, sealed)
	if err != nil {
		h.log().Error("syftcrypt: encrypt response failed", "endpoint", req.URL.Endpoint(), "id", req.ID, "sender", req.Sender, "err", err)
		response, err = h.reply(syftevent.Text(500, "Internal server error. Please try again later."), o, message, m, req, sealed)
		if err != nil {
			return nil, err
		}
	}
	h.Keys.s.replays.answer(message.use, response)
	return response, nil
}

// receive decrypts a request and decides whether it may run.
func (h *guarded) receive(m *message, o *own, req *syftevent.Request) (message *opened, sealed bool, err error) {
	k := h.Keys
	if !sameAddress(m.receiver, k.s.client.Email) {
		return nil, false, fmt.Errorf("%w: receiver is %s", ErrWrongPerson, m.receiver)
	}
	if !isAddress(req.Sender) || !sameAddress(m.sender, req.Sender) {
		return nil, false, fmt.Errorf("%w: encrypted by %s", ErrWrongPerson, m.sender)
	}
	from, err := k.peer(m.sender, o)
	if err != nil {
		return nil, false, err
	}
	if message, err = k.open(m, o, from); err != nil {
		if _, own := k.compareDocument(o); own != nil {
			err = fmt.Errorf("%w; own keys: %v", err, own) // the sender has read a forged document
		}
		return nil, false, err
	}
	sealed, err = message.keys.checkSeal(m, req.Headers, message.keys.sealRequest(message.parties, m, req), from.seals || h.SealedOnly)
	if err != nil {
		return nil, false, err
	}
	if sealed && m.sender != req.Sender {
		// The seal has the sender's own spelling, by which a handler may know people.
		return nil, false, fmt.Errorf("%w: encrypted by %s", ErrWrongPerson, m.sender)
	}
	// Only now it is certain that the key is the sender's.
	from.proven = true
	if err := k.remember(from, false); err != nil {
		return nil, false, err
	}
	if message.use, err = k.accept(m.sender, m.id(), requestDigest(req), sealed); err != nil {
		return nil, false, err
	}
	return message, sealed, nil
}

// call calls the handler. Errors become responses, because the server's own would not be
// encrypted, unless the server stops: it then leaves the request for the next start.
func (h *guarded) call(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	var failed error
	catch := syftevent.HandlerFunc(func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		var response *syftevent.Response
		response, failed = h.next.ServeSyft(ctx, req)
		return response, failed
	})
	response, cause := syftevent.Respond(ctx, catch, req)
	if failed != nil && ctx.Err() != nil {
		return nil, ctx.Err() // not the handler's error, which an outer handler could publish
	}
	if cause != nil {
		level := slog.LevelInfo
		if response.StatusCode >= 500 {
			level = slog.LevelError
		}
		h.log().Log(ctx, level, "syftcrypt: handler returned an error", "endpoint", req.URL.Endpoint(), "id", req.ID, "sender", req.Sender,
			"status", response.StatusCode, "err", cause)
	}
	return response, nil
}

// reply encrypts a response, with the prekey that the sender knows.
func (h *guarded) reply(response *syftevent.Response, o *own, to *opened, request *message, req *syftevent.Request, sealed bool) (*syftevent.Response, error) {
	if err := checkText(response.Body, sealed); err != nil {
		return nil, err
	}
	if limit := cmp.Or(h.MaxBody, DefaultMaxBody); limit > 0 && len(response.Body) > limit {
		return nil, fmt.Errorf("response body of %d bytes exceeds the limit of %d bytes", len(response.Body), limit)
	}
	m, keys, parties, err := h.Keys.encrypt(response.Body, o, to.prekey, to.from)
	if err != nil {
		return nil, err
	}
	m.receiver = request.sender // in its spelling, which the Python package compares
	encrypted := *response
	encrypted.Headers = withoutOwnHeaders(response.Headers)
	if encrypted.StatusCode == 0 {
		encrypted.StatusCode = 200
	}
	seal := keys.sealResponse(parties, m, request.id(), req.ID, req.URL, encrypted.StatusCode, encrypted.Headers)
	encrypted.Headers[SealHeader] = seal
	encrypted.Body = m.encode()
	return &encrypted, nil
}

// refuse logs a refused request and returns the response to it.
func (h *guarded) refuse(ctx context.Context, req *syftevent.Request, err error) *syftevent.Response {
	status, text := refusal(err)
	level := slog.LevelWarn
	if status >= 500 {
		level = slog.LevelError
	}
	h.log().Log(ctx, level, "syftcrypt: request refused", "endpoint", req.URL.Endpoint(), "id", req.ID, "sender", req.Sender,
		"status", status, "reason", err)
	if errors.Is(err, ErrNotEncrypted) {
		return syftevent.Text(status, "Request refused: "+text)
	}
	return syftevent.Text(status, "Encrypted request refused: "+text)
}

func (g *Guard) log() *slog.Logger {
	g.once.Do(func() {
		logger := g.Logger
		if logger == nil {
			logger = slog.Default()
		}
		g.logger = slog.New(loglimit.New(logger.Handler()))
	})
	return g.logger
}
