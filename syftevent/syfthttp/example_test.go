package syfthttp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strings"

	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/syfthttp"
)

// serveExample serves h as bob@example.com's app "notes", and returns a client of
// alice@example.com. Both share a folder: there is no SyftBox between them.
func serveExample(h http.Handler) (client *syftevent.Client, end func()) {
	dir, err := os.MkdirTemp("", "syfthttp")
	if err != nil {
		panic(err)
	}
	router := syftevent.NewRouter()
	router.Handle("/**", syfthttp.Handler(h))
	server := &syftevent.Server{
		AppName: "notes", Client: &syftevent.Client{Email: "bob@example.com", DataDir: dir}, Router: router,
		Logger: slog.New(slog.DiscardHandler),
	}
	if err := server.Start(context.Background()); err != nil {
		panic(err)
	}
	return &syftevent.Client{Email: "alice@example.com", DataDir: dir}, func() {
		server.Shutdown(context.Background())
		os.RemoveAll(dir)
	}
}

// A ServeMux with path values, and an http.Client that calls it.
func Example() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "note %s for %s", r.PathValue("id"), r.RemoteAddr)
	})
	client, end := serveExample(mux)
	defer end()

	web := &http.Client{Transport: &syfthttp.Transport{Client: client}}
	response, err := web.Get("syft://bob@example.com/app_data/notes/rpc/notes/42")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	fmt.Println(response.Status, string(body), err)
	// Output: 200 OK note 42 for alice@example.com <nil>
}

// A JSON API below a prefix, with middleware for net/http.
func ExampleHandler() {
	type sum struct{ A, B, Sum int }
	add := func(w http.ResponseWriter, r *http.Request) {
		var s sum
		if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.Sum = s.A + s.B
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(s)
	}
	onlyFriends := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(syfthttp.FromHeader) != "alice@example.com" {
				http.Error(w, "friends only", http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	api := http.NewServeMux()
	api.HandleFunc("POST /add", add)
	client, end := serveExample(http.StripPrefix("/v1", onlyFriends(api)))
	defer end()

	web := &http.Client{Transport: &syfthttp.Transport{Client: client}}
	response, err := web.Post("syft://bob@example.com/app_data/notes/rpc/v1/add", "application/json", strings.NewReader(`{"A": 1, "B": 2}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	fmt.Print(string(body))
	// Output: {"A":1,"B":2,"Sum":3}
}

// Code that is written for https, with cookies, calls an app on SyftBox.
func ExampleHosts() {
	login := func(w http.ResponseWriter, r *http.Request) {
		if cookie, err := r.Cookie("visits"); err == nil {
			fmt.Fprint(w, "welcome back, ", cookie.Value)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "visits", Value: "once", Secure: true})
		fmt.Fprint(w, "welcome")
	}
	client, end := serveExample(http.HandlerFunc(login))
	defer end()

	jar, _ := cookiejar.New(nil)
	web := &http.Client{Jar: jar, Transport: &syfthttp.Transport{
		Client:  client,
		Resolve: syfthttp.Hosts(map[string]string{"notes.example": "syft://bob@example.com/app_data/notes/rpc"}),
	}}
	for range 2 {
		response, err := web.Get("https://notes.example/login")
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		fmt.Println(string(body))
	}
	// Output:
	// welcome
	// welcome back, once
}
