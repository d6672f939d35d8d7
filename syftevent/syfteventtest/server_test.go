package syfteventtest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/syfteventtest"
	"github.com/syftevent/syftevent-go/syftevent/syfthttp"
)

func hello(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	return syftevent.Text(200, "Hello, "+req.Sender+" at "+req.URL.Endpoint()), nil
}

func TestServerAnswersCalls(t *testing.T) {
	router := syftevent.NewRouter()
	router.HandleFunc("GET /hello/{name}", hello)
	server := syfteventtest.NewServer(t, router)
	if got := server.Call("GET", "/hello/ann", nil); got.StatusCode != 200 || got.Text() != "Hello, alice@example.com at /hello/ann" {
		t.Errorf("status %d: %s", got.StatusCode, got.Text())
	}
	if got := server.Call("POST", "hello/ann", nil); got.StatusCode != 405 {
		t.Errorf("status %d: %s", got.StatusCode, got.Text())
	}
}

func TestServerSurvivesFaults(t *testing.T) {
	server := syfteventtest.NewServer(t, syftevent.HandlerFunc(hello))
	server.Box.FailNext(fakebox.Torn, 1)
	req, err := syftevent.NewRequest("GET", server.URL+"/any", nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := server.ClientFor("carol@example.com").Call(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if want := "Hello, carol@example.com at /any"; got.Text() != want {
		t.Errorf("got %q, want %q", got.Text(), want)
	}
}

func TestServerAnswersHTTPClients(t *testing.T) {
	server := syfteventtest.NewServer(t, syfthttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s for %s", r.Method, r.URL, r.RemoteAddr)
	})))
	response, err := server.HTTPClient().Get(server.URL + "/list?limit=3")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if want := "GET /list?limit=3 for alice@example.com"; string(body) != want {
		t.Errorf("got %q, want %q (%v)", body, want, err)
	}
}
