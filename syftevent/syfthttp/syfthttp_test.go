package syfthttp_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/syfthttp"
)

// base is the URL of the app that startServer serves.
const base = "syft://bob@example.com/app_data/web/rpc"

// startServer serves h over SyftBox as bob@example.com, without SyftBox: the client that it returns,
// alice@example.com, has the same folder.
func startServer(t *testing.T, h http.Handler) *syftevent.Client {
	t.Helper()
	return startSyft(t, "bob@example.com", t.TempDir(), syfthttp.Handler(h))
}

// startSyft serves h as the app "web" of a datasite in SyftBox's folder dir, and returns a client
// of alice@example.com in the same folder.
func startSyft(t *testing.T, datasite, dir string, h syftevent.Handler) *syftevent.Client {
	t.Helper()
	router := syftevent.NewRouter()
	router.Handle("/**", h)
	server := &syftevent.Server{
		AppName: "web", Client: &syftevent.Client{Email: datasite, DataDir: dir}, Router: router,
		Logger: slog.New(slog.DiscardHandler),
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &syftevent.Client{Email: "alice@example.com", DataDir: dir}
}

func TestCallsHandlerOverSyftBox(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /notes/{id}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", r.PathValue("id")+" "+r.FormValue("q")+" "+r.RemoteAddr+" "+r.Header.Get("X-Syft-From")+" "+r.Host)
		w.WriteHeader(http.StatusCreated)
		w.Write(body)
	})
	web := &http.Client{Transport: &syfthttp.Transport{Client: startServer(t, mux)}}
	response, err := web.Post(base+"/notes/4%202?q=a%26b", "text/plain", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got, want := response.Header.Get("X-Seen"), "4 2 a&b alice@example.com alice@example.com bob@example.com"; got != want || response.StatusCode != 201 {
		t.Errorf("got status %d, %q, want 201, %q", response.StatusCode, got, want)
	}
}

func TestOnSendGetsPendingRequest(t *testing.T) {
	client := startServer(t, http.NotFoundHandler())
	var pending *syftevent.Future
	web := &http.Client{Transport: &syfthttp.Transport{Client: client, OnSend: func(f *syftevent.Future) { pending = f }}}
	response, err := web.Get(base + "/notes")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if pending == nil || pending.URL.String() != base+"/notes" || response.StatusCode != http.StatusNotFound {
		t.Errorf("got status %d and %+v, want 404 and the request", response.StatusCode, pending)
	}
}
