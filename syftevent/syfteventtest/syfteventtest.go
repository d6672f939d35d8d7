// Package syfteventtest helps to test handlers, as net/http/httptest does for net/http. [Serve]
// calls a handler without a server, a folder or SyftBox:
//
//	req := syfteventtest.NewRequest("GET", "/users/42", "alice@example.com", nil)
//	got := syfteventtest.Serve(router, req)
//	if got.StatusCode != 200 { ... }
//
// [NewServer] serves an app on a simulated SyftBox:
//
//	server := syfteventtest.NewServer(t, router)
//	got := server.Call("GET", "/users/42", nil)
package syfteventtest

import (
	"context"
	"strings"

	"github.com/syftevent/syftevent-go/syftevent"
)

// The server and the app that [NewRequest] addresses.
const (
	Datasite = "server@example.com"
	App      = "test"
)

// NewRequest returns a request like those that a server passes to a handler. It is
// addressed to the endpoint of [App] at [Datasite], and its SenderVerified is true. The
// endpoint may have a query, as in "/items?limit=3". The body is as for
// [syftevent.NewRequest]. NewRequest panics if the endpoint is invalid or the body cannot
// be encoded; it does not check method and sender. A [syftevent.Router] sets the path values;
// for any other handler, call [syftevent.Request.SetPathValue].
func NewRequest(method, endpoint, sender string, body any) *syftevent.Request {
	url := "syft://" + Datasite + "/app_data/" + App + "/rpc/" + strings.TrimPrefix(endpoint, "/")
	req, err := syftevent.NewRequest(method, url, body)
	if err != nil {
		panic("syfteventtest: " + err.Error())
	}
	req.Sender, req.SenderVerified = sender, true
	return req
}

// A Recorder is the outcome of a served request.
type Recorder struct {
	// Response is what a server would publish. It is never nil. As in a handler's own
	// response, only StatusCode, Headers and Body are set.
	*syftevent.Response
	// Err is what a server would log: the error behind a 500, or the cause of a
	// [syftevent.Error]. Nil means that there is nothing to log.
	Err error
}

// Serve calls the handler with a background context, and turns what it returns into a
// response as a server does.
func Serve(handler syftevent.Handler, req *syftevent.Request) *Recorder {
	return ServeContext(context.Background(), handler, req)
}

// ServeContext is [Serve] with a context for the handler.
func ServeContext(ctx context.Context, handler syftevent.Handler, req *syftevent.Request) *Recorder {
	response, err := syftevent.Respond(ctx, handler, req)
	if response.StatusCode == 0 {
		copied := *response
		copied.StatusCode = 200
		response = &copied
	}
	return &Recorder{Response: response, Err: err}
}
