package engine

import (
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// A Request is a request that the server has checked.
type Request struct {
	ID             string        // the stem of its file
	Envelope       *wire.Request // as the client wrote it
	SenderVerified bool          // its sender is that of its directory
	Endpoint       string        // as protocol.CleanEndpoint gives it
	Expires        time.Time     // the envelope's, or the default
	Generation     int           // of its claim; 0 if work is not shared
}

// A Response is what a client gets.
type Response struct {
	StatusCode int
	Headers    map[string]string
	Body       []byte // nil for none
}

// An Outcome is what became of a request.
type Outcome struct {
	// Response is the response. Nil leaves the request for the next start.
	Response *Response
	// Failed counts the request in Figures.Failed.
	Failed bool
	// Returned is closed when the handler has returned; until then it takes up its slot, even
	// if Handle panics. Nil if the handler has returned when Handle does.
	Returned <-chan struct{}
}

// A Refusal is a request that the server answered itself.
type Refusal struct {
	ID             string
	Sender         string // "" if it is not verified
	SenderVerified bool
	Endpoint       string
	StatusCode     int
	Reason         string // the body of the response
}

// textResponse returns a response whose body is a text.
func textResponse(status int, text string) *Response {
	return &Response{StatusCode: status, Headers: map[string]string{"Content-Type": protocol.TextContentType}, Body: []byte(text)}
}

// internalError returns the response to a request whose handler failed.
func internalError() *Response { return textResponse(500, protocol.TextInternalError) }
