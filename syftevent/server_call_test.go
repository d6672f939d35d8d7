package syftevent

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/engine"
	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// The URL that a handler sees leads to the endpoint by which the request was routed, however
// its sender has escaped it: a handler may decide by it what is allowed.
func TestHandlersSeeTheEndpointInTheURL(t *testing.T) {
	for written, want := range map[string]string{
		"/admin":              "syft://bob@example.com/app_data/a/rpc/admin",
		"/%61dmin?a=%61#%61":  "syft://bob@example.com/app_data/a/rpc/admin?a=%61#%61",
		"//admin/?precise=%2": "syft://bob@example.com/app_data/a/rpc//admin/?precise=%2",
	} {
		text := "syft://bob@example.com/app_data/a/rpc" + written
		if err := checkURL(text, "bob@example.com", "a", "/admin"); err != nil {
			t.Errorf("%s: %v", written, err)
		}
		req := newRequest(&engine.Request{Envelope: &wire.Request{URL: text}, Endpoint: "/admin"}, "a")
		if req.URL.String() != want || req.URL.Endpoint() != "/admin" {
			t.Errorf("%s: a handler sees %s with the endpoint %s, want %s", written, req.URL, req.URL.Endpoint(), want)
		}
	}
	// A folder whose name has a "%" is meant as it is written.
	req := newRequest(&engine.Request{Envelope: &wire.Request{URL: "syft://bob@example.com/app_data/a/rpc/%61"}, Endpoint: "/%61"}, "a")
	if got := req.URL.Endpoint(); got != "/%61" {
		t.Errorf("endpoint %s, want /%%61", got)
	}
}

func explode(context.Context, *Request) (*Response, error) { panic(io.ErrUnexpectedEOF) }

// The stack of a panic is that of the handler, in whatever goroutine it ran.
func TestPanicInATimeoutHasTheStackOfTheHandler(t *testing.T) {
	handler := Timeout(time.Hour)(HandlerFunc(explode))
	_, _, failed := respond(func() (*Response, error) { return handler.ServeSyft(context.Background(), &Request{}) })
	if failed == nil || failed.kind != "*errors.errorString" || failed.message != "panic: unexpected EOF" || !strings.Contains(failed.stack, "explode") {
		t.Errorf("%+v", failed)
	}
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("middleware recovers %v", err)
		}
	}()
	handler.ServeSyft(context.Background(), &Request{})
}
