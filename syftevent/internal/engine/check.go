package engine

import (
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// The texts that clients of the Python package may match.
const (
	textExpired    = "Request expired"
	textUnreadable = "Error loading request: "
)

// check decodes and verifies a request. It returns the request, or the
// response that refuses the request, and fills in what the reply takes from it.
func (s *Server) check(w work, data []byte, reply *wire.Response) (*Request, *Response) {
	envelope, err := wire.DecodeRequest(data)
	if err != nil {
		return nil, textResponse(400, textUnreadable+err.Error())
	}
	reply.URL = envelope.URL
	if !envelope.Expires.IsZero() {
		reply.Expires = envelope.Expires
	}
	if refusal := s.checkEnvelope(w, envelope); refusal != nil {
		return nil, refusal
	}
	if envelope.ID != "" {
		reply.ID = wire.CanonicalID(envelope.ID)
	}
	if time.Now().After(reply.Expires) {
		return nil, textResponse(419, textExpired)
	}
	return &Request{
		ID:             w.entry.Stem,
		Envelope:       envelope,
		SenderVerified: w.location.sender != "",
		Endpoint:       w.location.endpoint,
		Expires:        reply.Expires,
	}, nil
}

// checkEnvelope compares what the envelope claims with the file's location, which is all
// that SyftBox's permissions protect. [identity-sender] [identity-id] [identity-url]
func (s *Server) checkEnvelope(w work, envelope *wire.Request) *Response {
	if w.location.sender != "" && envelope.Sender != w.location.sender {
		return textResponse(403, "The sender is not the one in whose folder the request lies")
	}
	if !protocol.IsAddress(envelope.Sender) {
		return textResponse(400, textUnreadable+`field "sender": must be an e-mail address`)
	}
	if envelope.ID != "" && wire.CanonicalID(envelope.ID) != wire.CanonicalID(w.entry.Stem) {
		return textResponse(400, textUnreadable+`field "id": must be the name of the file`)
	}
	if err := s.options.CheckURL(envelope.URL, w.location.endpoint); err != nil {
		return textResponse(400, textUnreadable+`field "url": `+err.Error())
	}
	return nil
}
