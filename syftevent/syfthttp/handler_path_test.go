package syfthttp_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/syftevent/syftevent-go/syftevent"
)

// The clients of FastSyftBox send URLs of the form syft://EMAIL/app_data/APP/rpc//ENDPOINT. A
// ServeMux would redirect "//notes/" to "/notes/".
func TestHandlerRemovesSlashesBeforePath(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/notes/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path+" "+r.RequestURI) })
	client := startServer(t, mux)
	for path, want := range map[string]string{
		"rpc//notes/":   "/notes/ /notes/?q=1",
		"rpc///notes/a": "/notes/a /notes/a?q=1",
		"rpc/notes/":    "/notes/ /notes/?q=1",
	} {
		u, err := syftevent.ParseURL("syft://bob@example.com/app_data/web/" + path)
		if err != nil {
			t.Fatal(err)
		}
		u.Query = "q=1"
		response, err := client.Call(t.Context(), &syftevent.Request{Method: "GET", URL: u})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(response.Body); response.StatusCode != 200 || got != want {
			t.Errorf("%s: status %d, %q, want 200, %q", path, response.StatusCode, got, want)
		}
	}
}
