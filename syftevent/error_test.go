package syftevent_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/syftevent"
)

func TestErrorfWrapsItsCause(t *testing.T) {
	err := syftevent.Errorf(404, "no user %d: %w", 7, fs.ErrNotExist)
	var e *syftevent.Error
	if !errors.As(err, &e) || e.StatusCode != 404 || e.Message != "no user 7: file does not exist" {
		t.Errorf("%#v", err)
	}
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "404: no user 7: file does not exist" {
		t.Errorf("%v", err)
	}
	if plain := syftevent.Errorf(400, "no %s", "name"); errors.Unwrap(plain) != nil {
		t.Errorf("%#v wraps an error", plain)
	}
	hidden := &syftevent.Error{StatusCode: 503, Message: "try later", Err: fs.ErrPermission}
	if hidden.Error() != "503: try later: permission denied" || !errors.Is(hidden, fs.ErrPermission) {
		t.Errorf("%v", hidden)
	}
}

func TestRespondTurnsErrorsIntoResponses(t *testing.T) {
	const internal = "Internal server error. Please try again later."
	text := syftevent.Headers{"Content-Type": "text/plain; charset=utf-8"}
	many := syftevent.Headers{}
	for n := range 257 {
		many[fmt.Sprintf("%03d", n)] = ""
	}
	tests := map[string]struct {
		response *syftevent.Response
		err      error
		want     *syftevent.Response
		cause    string
	}{
		"response": {response: syftevent.Bytes(202, nil), want: syftevent.Bytes(202, nil)},
		"message":  {err: syftevent.Errorf(403, "not you"), want: syftevent.Text(403, "not you")},
		"cause stays on the server": {
			err:  &syftevent.Error{StatusCode: 503, Message: "try later", Err: fs.ErrPermission},
			want: syftevent.Text(503, "try later"), cause: "503: try later: permission denied",
		},
		"headers": {
			err:  &syftevent.Error{StatusCode: 429, Message: "slow down", Headers: syftevent.Headers{"Retry-After": "3"}},
			want: &syftevent.Response{StatusCode: 429, Headers: syftevent.Headers{"Retry-After": "3", "Content-Type": text["Content-Type"]}, Body: []byte("slow down")},
		},
		"body": {
			err:  &syftevent.Error{StatusCode: 422, Headers: syftevent.Headers{"content-type": "application/json"}, Body: []byte(`{"field":"a"}`)},
			want: &syftevent.Response{StatusCode: 422, Headers: syftevent.Headers{"content-type": "application/json"}, Body: []byte(`{"field":"a"}`)},
		},
		"other error":    {err: errors.New("secret"), want: syftevent.Text(500, internal), cause: "secret"},
		"unknown status": {err: syftevent.Errorf(299, "x"), want: syftevent.Text(500, internal), cause: "error with status 299, want a known status of 400 or above: 299: x"},
		"many headers": {
			response: &syftevent.Response{Headers: many}, want: syftevent.Text(500, internal),
			cause: "handler returned 257 headers of 771 bytes, which clients reject: the limits are 256 and 1048576",
		},
		"large header of an error": {
			err:  &syftevent.Error{StatusCode: 400, Headers: syftevent.Headers{"a": strings.Repeat("v", 1<<20)}},
			want: syftevent.Text(500, internal), cause: "handler returned 2 headers of 1048614 bytes, which clients reject: the limits are 256 and 1048576",
		},
		"nothing": {want: syftevent.Text(500, internal), cause: "handler returned neither a response nor an error"},
	}
	for name, test := range tests {
		handler := syftevent.HandlerFunc(func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
			return test.response, test.err
		})
		got, err := syftevent.Respond(context.Background(), handler, from(clientEmail))
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if (err == nil) != (test.cause == "") || err != nil && err.Error() != test.cause {
			t.Errorf("%s: cause %v, want %q", name, err, test.cause)
		}
		if test.err != nil && err != nil && !errors.Is(err, test.err) {
			t.Errorf("%s: %v does not wrap %v", name, err, test.err)
		}
	}
	panicking := syftevent.HandlerFunc(func(context.Context, *syftevent.Request) (*syftevent.Response, error) { panic("boom") })
	if got, err := syftevent.Respond(context.Background(), panicking, from(clientEmail)); got.StatusCode != 500 || err == nil || err.Error() != "panic: boom" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestHeadersSetOnZeroValue(t *testing.T) {
	var response syftevent.Response
	response.Headers.Set("X-A", "1")
	response.Headers.Set("x-a", "2")
	if diff := cmp.Diff(syftevent.Headers{"x-a": "2"}, response.Headers); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestResponseDecodesItsBody(t *testing.T) {
	response, err := syftevent.JSON(200, map[string]int{"n": 3})
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ N int }
	if err := response.DecodeJSON(&got); err != nil || got.N != 3 || response.Text() != `{"n":3}` {
		t.Errorf("%v, %+v, %q", err, got, response.Text())
	}
	if err := syftevent.Text(200, "no").DecodeJSON(&got); err == nil {
		t.Error("decoded text as JSON")
	}
}
