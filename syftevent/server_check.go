package syftevent

import (
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// check decodes and verifies a request. It returns what the handler gets, or the
// response that refuses the request, and fills in what the reply takes from it.
func (s *runningServer) check(w work, data []byte, reply *wire.Response) (*Request, *Response) {
	envelope, err := wire.DecodeRequest(data)
	if err != nil {
		return nil, Text(400, textUnreadable+err.Error())
	}
	reply.URL = envelope.URL
	if !envelope.Expires.IsZero() {
		reply.Expires = envelope.Expires
	}
	u, refusal := s.checkEnvelope(w, envelope)
	if refusal != nil {
		return nil, refusal
	}
	if envelope.ID != "" {
		reply.ID = wire.CanonicalID(envelope.ID)
	}
	if time.Now().After(reply.Expires) {
		return nil, Text(419, textExpired)
	}
	req := &Request{
		ID:             w.entry.Stem,
		Sender:         envelope.Sender,
		SenderVerified: w.location.sender != "",
		URL:            u,
		Method:         envelope.Method,
		Headers:        Headers(envelope.Headers),
		Body:           envelope.Body,
		Created:        envelope.Created,
		Expires:        reply.Expires,
		endpoint:       w.location.endpoint,
	}
	// Only whoever decrypts a request may set these.
	req.Headers.Del("X-Syft-Decrypted")
	req.Headers.Del("X-Syft-Original-Sender")
	return req, nil
}

// checkEnvelope compares what the envelope claims with the file's location, which is all
// that SyftBox's permissions protect. [identity-sender] [identity-id] [identity-url]
func (s *runningServer) checkEnvelope(w work, envelope *wire.Request) (URL, *Response) {
	if w.location.sender != "" && envelope.Sender != w.location.sender {
		return URL{}, Text(403, "The sender is not the one in whose folder the request lies")
	}
	if !protocol.IsAddress(envelope.Sender) {
		return URL{}, Text(400, textUnreadable+`field "sender": must be an e-mail address`)
	}
	if envelope.ID != "" && wire.CanonicalID(envelope.ID) != wire.CanonicalID(w.entry.Stem) {
		return URL{}, Text(400, textUnreadable+`field "id": must be the name of the file`)
	}
	u, err := ParseURL(envelope.URL)
	if err != nil {
		return URL{}, Text(400, textUnreadable+`field "url": must be a syft:// address`)
	}
	if !u.leadsTo(s.email, s.app, w.location.endpoint) {
		return URL{}, Text(400, textUnreadable+`field "url": must lead to the endpoint in whose folder the request lies`)
	}
	return u, nil
}
