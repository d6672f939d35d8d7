package boxpage

import (
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

// queueLength is the number of events that can wait for the page.
const queueLength = 1 << 16

// batchTime is how long the page collects events. Files that have arrived are on the hub
// by then, where reading them is cheap.
const batchTime = 20 * time.Millisecond

// Options configure a page. The zero value is a page without further links.
type Options struct {
	// Gateway is the URL of the network's HTTP gateway, for "copy as curl".
	Gateway string
	// Numbers numbers the calls. Defaults to a Numbering of the page's own.
	Numbers *Numbering
}

// A Page is the page of a network. It is an http.Handler for requests below its secret
// path, see [Page.Path].
type Page struct {
	box     *fakebox.Box
	options Options
	token   string
	speed   float64 // when the page was created
	model   *model
	events  *fakebox.Subscription
	mux     *http.ServeMux
	done    chan struct{} // closed by Close
	ended   sync.WaitGroup
	streams atomic.Int32
	taking  sync.Mutex // held while events are taken and added, so that they are added in order
	close   sync.Once
}

//go:embed page
var assets embed.FS

// index is parsed from page/index.html.
var index = template.Must(template.ParseFS(assets, "page/index.html"))

// New returns the page of a network. Close ends it.
func New(box *fakebox.Box, options Options) *Page {
	if options.Numbers == nil {
		options.Numbers = &Numbering{}
	}
	p := &Page{
		box: box, options: options, token: rand.Text(), speed: box.Speed(), events: box.Subscribe(queueLength), done: make(chan struct{}),
		mux: http.NewServeMux(),
	}
	p.model = newModel(options.Numbers, p.readVersion, p.joined)
	p.ended.Go(p.follow)
	p.mux.HandleFunc("GET /{$}", p.serveIndex)
	for name, contentType := range map[string]string{
		"app.js": "text/javascript; charset=utf-8", "style.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml",
	} {
		p.mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, _ *http.Request) {
			data, err := assets.ReadFile("page/" + name)
			if err != nil {
				panic(err) // embedded
			}
			w.Header().Set("Content-Type", contentType)
			w.Write(data)
		})
	}
	p.mux.HandleFunc("GET /api/stream", p.serveStream)
	p.mux.HandleFunc("GET /api/state", p.serveState)
	p.mux.HandleFunc("GET /api/call", p.serveCall)
	p.mux.HandleFunc("GET /api/raw", p.serveRaw)
	p.mux.HandleFunc("GET /api/files", p.serveFiles)
	p.mux.HandleFunc("GET /api/file", p.serveFile)
	p.mux.HandleFunc("GET /api/script", p.serveScript)
	p.mux.HandleFunc("POST /api/send", p.serveSend)
	p.mux.HandleFunc("POST /api/snippets", p.serveSnippets)
	p.mux.HandleFunc("POST /api/fault", p.serveFault)
	p.mux.HandleFunc("POST /api/heal", p.serveHeal)
	p.mux.HandleFunc("POST /api/online", p.serveOnline)
	p.mux.HandleFunc("POST /api/client", p.serveClient)
	p.mux.HandleFunc("POST /api/server", p.serveServer)
	p.mux.HandleFunc("POST /api/speed", p.serveSpeed)
	return p
}

// Path returns the secret path of the page, with a leading and a trailing slash.
func (p *Page) Path() string { return "/" + p.token + "/" }

// Close ends the page. Streams to browsers end.
func (p *Page) Close() {
	p.close.Do(func() { close(p.done) })
	p.events.Close()
	p.ended.Wait()
}

// follow hands the events of the network to the model.
func (p *Page) follow() {
	for {
		var unread <-chan time.Time
		if next, ok := p.model.readDue(); ok {
			unread = time.After(next)
		}
		select {
		case <-p.done:
			return
		case <-unread:
			continue
		case <-p.events.Ready():
		}
		select {
		case <-p.done:
			return
		case <-time.After(batchTime):
			p.catchUp()
		}
	}
}

// catchUp hands the events in the queue to the model. Whoever asks about a call gets its
// state as of now: an application may have read a response before the page has.
func (p *Page) catchUp() {
	p.taking.Lock()
	defer p.taking.Unlock()
	p.model.add(p.events.Take())
	for _, c := range p.model.takeDeleted() {
		p.model.setCause(c.number, p.causeOfDeleted(c))
	}
}

func (p *Page) joined(email string) bool {
	_, ok := p.box.Replica(email)
	return ok
}

const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// ServeHTTP implements http.Handler.
func (p *Page) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", contentSecurityPolicy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	if reason := refusal(req); reason != "" {
		http.Error(w, "refused: "+reason, http.StatusForbidden)
		return
	}
	token, rest, ok := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	if !ok || subtle.ConstantTimeCompare([]byte(token), []byte(p.token)) != 1 {
		http.Error(w, "refused: open the URL that was printed when the page was started", http.StatusForbidden)
		return
	}
	inner := req.Clone(req.Context())
	inner.URL.Path, inner.URL.RawPath = "/"+rest, ""
	p.mux.ServeHTTP(w, inner)
}

// refusal returns why a request is refused, or "". It refuses other machines, names other
// than that of this machine, which DNS rebinding would use, and pages of other sites.
func refusal(req *http.Request) string {
	if remote, err := netip.ParseAddrPort(req.RemoteAddr); err != nil || !remote.Addr().Unmap().IsLoopback() {
		return "the page is for this machine only"
	}
	if !isLoopbackHost(req) {
		return "the host is not a loopback address with the port of the page"
	}
	if origin := req.Header.Values("Origin"); len(origin) > 1 || len(origin) == 1 && origin[0] != "http://"+req.Host {
		return "the origin is another site"
	}
	switch site := req.Header.Get("Sec-Fetch-Site"); {
	case site == "", site == "same-origin":
	case site == "none" && req.Method == http.MethodGet: // typed by the user
	default:
		return "the request comes from another site"
	}
	switch req.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		if kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			return "the content type is not application/json"
		}
	default:
		return "the method is neither GET nor POST"
	}
	return ""
}

// isLoopbackHost reports whether the request names a loopback address, and the port at
// which the page is served.
func isLoopbackHost(req *http.Request) bool {
	host, port, err := net.SplitHostPort(req.Host)
	if err != nil {
		host, port = req.Host, "80"
	}
	if local, ok := req.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok && port != fmt.Sprint(local.Port) {
		return false
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}

func (p *Page) serveIndex(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	index.Execute(w, map[string]any{"Name": filepath.Base(p.box.Dir())}) // fails only if the browser has gone
}

// reply writes v as JSON.
func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // fails only if the browser has gone
}

func replyError(w http.ResponseWriter, status int, format string, args ...any) {
	reply(w, status, map[string]string{"error": fmt.Sprintf(format, args...)})
}

// readJSON reads the body of a request. If it fails, it replies and returns false.
func readJSON(w http.ResponseWriter, req *http.Request, v any) bool {
	const limit = 8 << 20
	decoder := json.NewDecoder(http.MaxBytesReader(w, req.Body, limit))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		replyError(w, http.StatusBadRequest, "read request: %v", err)
		return false
	}
	return true
}
