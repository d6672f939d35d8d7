package syftcrypt_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/syftcrypt"
	"github.com/syftevent/syftevent-go/syftevent/syfthttp"
)

// An http.Client calls an http.Handler, and everything in between is encrypted.
func Example_http() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "syftcrypt-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	alice := &syftevent.Client{Email: "alice@example.com", DataDir: filepath.Join(dir, "SyftBox")}
	bob := &syftevent.Client{Email: "bob@example.com", DataDir: filepath.Join(dir, "SyftBox")}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes/{id}", func(w http.ResponseWriter, r *http.Request) {
		who, encrypted := syftcrypt.From(r.Context())
		fmt.Fprintf(w, "note %s for %s, encrypted: %v", r.PathValue("id"), who.Address, encrypted)
	})
	aliceKeys, err := syftcrypt.LoadOrCreate(alice)
	if err != nil {
		fmt.Println(err)
		return
	}
	guard := &syftcrypt.Guard{Keys: aliceKeys}
	router := syftevent.NewRouter()
	router.Handle("/**", guard.Require(syfthttp.Handler(mux)))
	server := &syftevent.Server{AppName: "notes", Client: alice, Router: router, Logger: slog.New(slog.DiscardHandler)}
	if err := server.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer server.Shutdown(ctx)

	bobKeys, err := syftcrypt.LoadOrCreate(bob)
	if err != nil {
		fmt.Println(err)
		return
	}
	web := &http.Client{Transport: &syfthttp.Transport{Caller: &syftcrypt.Client{Client: bob, Keys: bobKeys}}}
	response, err := web.Get("syft://alice@example.com/app_data/notes/rpc/notes/42")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	fmt.Println(response.Status, string(body), err)
	// Output: 200 OK note 42 for bob@example.com, encrypted: true <nil>
}

// encryptedWeb serves a handler encrypted as Alice's app "web", and returns a Transport of Bob's.
func encryptedWeb(t *testing.T, dir string, h http.Handler, with ...func(*syftcrypt.Guard)) *syfthttp.Transport {
	t.Helper()
	alice := &syftevent.Client{Email: "alice@example.com", DataDir: filepath.Join(dir, "SyftBox")}
	bob := &syftevent.Client{Email: "bob@example.com", DataDir: filepath.Join(dir, "SyftBox")}
	keys := func(c *syftevent.Client) *syftcrypt.Keys {
		k, err := syftcrypt.LoadOrCreate(c)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	quiet := slog.New(slog.DiscardHandler)
	guard := &syftcrypt.Guard{Keys: keys(alice), Logger: quiet}
	for _, change := range with {
		change(guard)
	}
	router := syftevent.NewRouter()
	router.Handle("/**", guard.Require(syfthttp.Handler(h)))
	server := &syftevent.Server{AppName: "web", Client: alice, Router: router, Logger: quiet}
	if err := server.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Shutdown(context.Background()) })
	return &syfthttp.Transport{Client: bob, Caller: &syftcrypt.Client{Client: bob, Keys: keys(bob)}}
}

const webBase = "syft://alice@example.com/app_data/web/rpc"

func TestHTTPThroughEncryption(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo/{rest...}", func(w http.ResponseWriter, r *http.Request) {
		who, ok := syftcrypt.From(r.Context())
		if r.Header.Get("X-Syft-Decrypted") != "" || r.Header.Get("X-Syft-Seal") != "" || !ok || !who.Sealed || who.Address != r.RemoteAddr {
			t.Errorf("%+v, %v, %v", who, ok, r.Header)
		}
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.Header().Set("X-Seen", r.Method+" "+r.URL.String()+" "+r.Header.Get("X-Trace"))
		if r.FormValue("status") == "420" {
			w.WriteHeader(420) // not registered
		} else if r.FormValue("status") == "204" {
			w.WriteHeader(204)
			return
		}
		io.Copy(w, r.Body)
	})
	mux.HandleFunc("/old", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/echo/new", http.StatusFound) })
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("secret of the handler") })
	dir := t.TempDir()
	transport := encryptedWeb(t, dir, mux)
	web := &http.Client{Transport: transport}
	call := func(method, path, body string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, webBase+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Trace", "t")
		response, err := web.Do(r)
		if err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(text)
	}
	binary := "\x00\xff secret \x80"
	for _, test := range []struct {
		method, path, body string
		status             int
		seen, text         string
	}{
		{"POST", "/echo/a?x=1", binary, 200, "POST /echo/a?x=1 t", binary},
		{"GET", "/echo/a/", "", 200, "GET /echo/a/ t", ""},
		{"HEAD", "/echo/a", "", 200, "HEAD /echo/a t", ""},
		{"PUT", "/echo/?status=204", "x", 204, "PUT /echo/?status=204 t", ""},
		{"PATCH", "/echo/?status=420", "x", 420, "PATCH /echo/?status=420 t", "x"},
		{"GET", "/old", "", 200, "GET /echo/new t", ""},
	} {
		response, text := call(test.method, test.path, test.body)
		if response.StatusCode != test.status || response.Header.Get("X-Seen") != test.seen || text != test.text {
			t.Errorf("%s %s: status %d, %q, body %q", test.method, test.path, response.StatusCode, response.Header.Get("X-Seen"), text)
		}
		if cookies := response.Cookies(); len(cookies) != 2 || response.Header.Get("X-Syft-Seal") != "" {
			t.Errorf("%s %s: headers %v", test.method, test.path, response.Header)
		}
	}
	if response, text := call("GET", "/nothing", ""); response.StatusCode != 404 || !strings.Contains(text, "not found") {
		t.Errorf("%d %q", response.StatusCode, text)
	}
	if response, text := call("GET", "/panic", ""); response.StatusCode != 500 || strings.Contains(text, "secret") {
		t.Errorf("%d %q", response.StatusCode, text)
	}
	assertNoFileHas(t, dir, binary)
}

// assertNoFileHas checks that no file contains a text, in base64 or as it is.
func assertNoFileHas(t *testing.T, dir, text string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		files++
		for _, form := range []string{text, base64.StdEncoding.EncodeToString([]byte(text)), base64.URLEncoding.EncodeToString([]byte(text))} {
			if bytes.Contains(data, []byte(strings.TrimRight(form, "="))) {
				t.Errorf("%s contains the text", name)
			}
		}
		return err
	})
	if err != nil || files < 4 {
		t.Errorf("%d files, %v", files, err)
	}
}

// What the server refuses is an error that has the response: it may be forged.
func TestHTTPErrorHasPlaintextResponse(t *testing.T) {
	dir := t.TempDir()
	transport := encryptedWeb(t, dir, http.NotFoundHandler())
	stranger := &syftevent.Client{Email: "carl@example.com", DataDir: filepath.Join(dir, "SyftBox")}
	keys, err := syftcrypt.LoadOrCreate(stranger)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(stranger.Datasite(), "public", "did.json")); err != nil {
		t.Fatal(err)
	}
	web := &http.Client{Transport: &syfthttp.Transport{Caller: &syftcrypt.Client{Client: stranger, Keys: keys}}}
	_, err = web.Get(webBase + "/x")
	var plain *syftcrypt.PlaintextError
	if !errors.As(err, &plain) || plain.Response.StatusCode != 403 {
		t.Errorf("error %v", err)
	}
	// Without encryption, the same route is refused.
	web = &http.Client{Transport: &syfthttp.Transport{Client: stranger}}
	response, err := web.Get(webBase + "/x")
	if err != nil || response.StatusCode != 403 {
		t.Errorf("%v, %v", response, err)
	}
	// A person without keys cannot be called.
	web = &http.Client{Transport: transport}
	if _, err := web.Get("syft://nobody@example.com/app_data/web/rpc/x"); !errors.Is(err, syftcrypt.ErrNoDocument) {
		t.Errorf("error %v", err)
	}
	_, err = (&http.Client{Transport: &syfthttp.Transport{}}).Get(webBase + "/x")
	if err == nil || !strings.Contains(err.Error(), "Caller") {
		t.Errorf("without a Client: %v", err)
	}
}

// Encrypted bodies are longer: the files of the largest ones fit the limits of the other end.
func TestDefaultLimitsFit(t *testing.T) {
	const envelope = 256 << 10 // headers and the rest
	file := func(body int) int {
		message := base64.StdEncoding.EncodedLen(body) + 1024
		return base64.URLEncoding.EncodedLen(message) + envelope
	}
	if got := file(syftcrypt.DefaultMaxBody); got > syftevent.DefaultMaxResponseSize {
		t.Errorf("a response with the largest body has %d bytes, a client accepts %d", got, syftevent.DefaultMaxResponseSize)
	}
	if got := file(syfthttp.DefaultMaxCallerBody); got > syftevent.DefaultMaxRequestSize {
		t.Errorf("a request with the largest body has %d bytes, a server accepts %d", got, syftevent.DefaultMaxRequestSize)
	}
}

func TestHTTPLimits(t *testing.T) {
	const limit = 1 << 20
	large := make([]byte, limit+1)
	transport := encryptedWeb(t, t.TempDir(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		switch {
		case err != nil:
			t.Error(err)
		case r.URL.Path == "/large":
			w.Write(large[:limit])
		case r.URL.Path == "/larger":
			w.Write(large)
		default:
			fmt.Fprint(w, n)
		}
	}), func(g *syftcrypt.Guard) { g.MaxBody = limit })
	web := &http.Client{Transport: transport}
	call := func(path string, body []byte) (int, []byte, error) {
		response, err := web.Post(webBase+path, "application/octet-stream", bytes.NewReader(body))
		if err != nil {
			return 0, nil, err
		}
		defer response.Body.Close()
		got, err := io.ReadAll(response.Body)
		return response.StatusCode, got, err
	}
	if status, got, err := call("/large", nil); err != nil || status != 200 || len(got) != limit {
		t.Errorf("response: %d, %d bytes, %v", status, len(got), err)
	}
	if status, got, err := call("/larger", nil); err != nil || status != 500 || len(got) > 1000 {
		t.Errorf("too large response: %d, %d bytes, %v", status, len(got), err)
	}
	if status, got, err := call("/size", large); err != nil || status != 200 || string(got) != fmt.Sprint(len(large)) {
		t.Errorf("request: %d %.100q %v", status, got, err)
	}
	tooLarge := make([]byte, syfthttp.DefaultMaxCallerBody+1)
	if _, _, err := call("/size", tooLarge); err == nil || !strings.Contains(err.Error(), "MaxRequestBody") {
		t.Errorf("too large request: %v", err)
	}
}
