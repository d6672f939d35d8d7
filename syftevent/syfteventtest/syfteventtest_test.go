package syfteventtest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/syfteventtest"
)

var errDisk = errors.New("disk on fire")

func router() *syftevent.Router {
	r := syftevent.NewRouter()
	r.HandleFunc("GET /users/{id}", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.JSON(200, map[string]string{"id": req.PathValue("id"), "for": req.Sender, "query": req.URL.Query})
	})
	r.HandleFunc("/broken", func(context.Context, *syftevent.Request) (*syftevent.Response, error) { return nil, errDisk })
	r.HandleFunc("/panic", func(context.Context, *syftevent.Request) (*syftevent.Response, error) { panic("boom") })
	r.HandleFunc("/refuse", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return nil, syftevent.Errorf(403, "not you")
	})
	r.HandleFunc("/zero", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		return &syftevent.Response{}, nil
	})
	return r
}

func TestServeRespondsAsAServer(t *testing.T) {
	const internal = "Internal server error. Please try again later."
	tests := []struct {
		method, endpoint string
		status           int
		body             string
		err              string
	}{
		{"GET", "/users/42?x=1", 200, `{"for":"alice@example.com","id":"42","query":"x=1"}`, ""},
		{"POST", "users/42", 405, "Method POST not allowed", ""},
		{"GET", "/nowhere", 404, "No such endpoint: /nowhere", ""},
		{"GET", "/refuse", 403, "not you", ""},
		{"GET", "/zero", 200, "", ""},
		{"GET", "/broken", 500, internal, "disk on fire"},
		{"GET", "/panic", 500, internal, "panic: boom"},
	}
	for _, test := range tests {
		got := syfteventtest.Serve(router(), syfteventtest.NewRequest(test.method, test.endpoint, "alice@example.com", nil))
		if got.StatusCode != test.status || got.Text() != test.body {
			t.Errorf("%s %s: %d %q, want %d %q", test.method, test.endpoint, got.StatusCode, got.Text(), test.status, test.body)
		}
		if (got.Err == nil) != (test.err == "") || got.Err != nil && got.Err.Error() != test.err {
			t.Errorf("%s %s: error %v, want %q", test.method, test.endpoint, got.Err, test.err)
		}
	}
	if got := syfteventtest.Serve(router(), syfteventtest.NewRequest("GET", "/broken", "alice@example.com", nil)); !errors.Is(got.Err, errDisk) {
		t.Errorf("error %v does not wrap the handler's", got.Err)
	}
}

func TestNewRequestPanicsOnABadEndpoint(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	syfteventtest.NewRequest("GET", "/a\nb", "alice@example.com", nil)
}

func Example() {
	req := syfteventtest.NewRequest("GET", "/users/42", "alice@example.com", nil)
	got := syfteventtest.Serve(router(), req)
	fmt.Println(got.StatusCode, got.Text())
	// Output: 200 {"for":"alice@example.com","id":"42","query":""}
}
