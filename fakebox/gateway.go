package fakebox

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

const (
	// GatewayTimeout is how long the gateway waits for a response unless the caller
	// sets a timeout.
	GatewayTimeout = time.Second
	// gatewayPoll is the gateway's poll interval, in SyftBox's time.
	gatewayPoll = 200 * time.Millisecond
	// maxGatewayBody is the maximum size of a request body in bytes.
	maxGatewayBody = 4 << 20
	// guest is the address of callers without an address of their own.
	guest, oldGuest = "guest@syftbox.net", "guest@syft.org"
)

// A gateway is the HTTP interface of SyftBox's server.
type gateway struct {
	sim *simulation
	hub *hub
}

func (g *gateway) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/send/msg", g.serveSend)
	mux.HandleFunc("GET /api/v1/send/poll", g.servePoll)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if g.hub.down() {
			refuse(w, http.StatusServiceUnavailable, "unavailable", "server is stopped", "")
			return
		}
		mux.ServeHTTP(w, req)
	})
}

// A call holds the parameters that both endpoints of the gateway share.
type call struct {
	from    string
	url     string // its path is not %-encoded, as in SyftBox
	timeout time.Duration
	folder  string // of the request, relative to "datasites"
}

func parseCall(req *http.Request) (call, error) {
	query := req.URL.Query()
	c := call{from: query.Get("x-syft-from"), timeout: GatewayTimeout}
	if from := req.Header.Get("From"); from != "" {
		c.from = from
	}
	if strings.EqualFold(c.from, oldGuest) {
		c.from = guest
	}
	if c.from == "" {
		return c, errors.New("parameter x-syft-from, the sender, is missing")
	}
	if strings.ContainsAny(c.from, "/\\\x00") || c.from == "." || c.from == ".." {
		return c, fmt.Errorf("parameter x-syft-from: %q is not an e-mail address", c.from)
	}
	if text := query.Get("timeout"); text != "" {
		ms, err := strconv.Atoi(text)
		if err != nil || ms < 0 {
			return c, fmt.Errorf("parameter timeout: %q is not a number of milliseconds", text)
		}
		c.timeout = time.Duration(ms) * time.Millisecond
	}
	text := query.Get("x-syft-url")
	u, err := parseCallURL(text)
	if err != nil {
		return c, fmt.Errorf("parameter x-syft-url: %w", err)
	}
	c.url = "syft://" + u.User.Username() + "@" + u.Host + u.Path
	if u.RawQuery != "" {
		c.url += "?" + u.RawQuery
	}
	c.folder = u.User.String() + "@" + u.Host + u.Path
	return c, nil
}

// parseCallURL normalizes a URL as SyftBox's function FromSyftURL does: it drops empty segments of
// the path, and all but the first value of a query parameter, and sorts the parameters. Unlike
// SyftBox it rejects "..", and accepts a path without "rpc".
func parseCallURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "syft" || u.Host == "" || u.User == nil {
		return nil, fmt.Errorf("%q is not of the form syft://EMAIL/app_data/APP/rpc/ENDPOINT", text)
	}
	segments := strings.FieldsFunc(u.Path, func(c rune) bool { return c == '/' })
	u.Path, u.RawPath = "/"+strings.Join(segments, "/"), ""
	if path.Clean(u.Path) != u.Path || !strings.HasPrefix(u.Path, "/app_data/") {
		return nil, fmt.Errorf("%q is not of the form syft://EMAIL/app_data/APP/rpc/ENDPOINT", text)
	}
	if _, endpoint, _ := strings.Cut(u.Path, "/rpc/"); strings.ContainsAny(endpoint, " ?&=") {
		return nil, fmt.Errorf("endpoint of %q contains a space or one of ?&=", text)
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("malformed query in %q: %w", text, err)
	}
	for name := range values {
		values[name] = values[name][:1]
	}
	u.RawQuery = values.Encode()
	return u, nil
}

func (g *gateway) serveSend(w http.ResponseWriter, req *http.Request) {
	c, err := parseCall(req)
	if err != nil {
		refuse(w, http.StatusBadRequest, "invalid_request", err.Error(), "")
		return
	}
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete:
	default:
		refuse(w, http.StatusInternalServerError, "internal_error", "method "+req.Method+" is not supported", "")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxGatewayBody))
	if err != nil {
		refuse(w, http.StatusBadRequest, "invalid_request", fmt.Sprintf("read body: %v", err), "")
		return
	}
	headers := map[string]string{}
	for name, values := range req.Header {
		if !strings.EqualFold(name, "Authorization") {
			headers[strings.ToLower(name)] = values[0]
		}
	}
	headers["x-syft-from"], headers["x-syft-url"] = c.from, c.url
	if suffix, _ := strconv.ParseBool(req.URL.Query().Get("suffix-sender")); suffix {
		c.folder += "/" + c.from
	}
	id, data, err := g.sim.compose(c.folder, c.from, c.url, req.Method, headers, body, requestLifetime)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "internal_error", err.Error(), "")
		return
	}
	key := c.folder + "/" + id + ".request"
	sent := Event{Actor: Hub, Op: OpSend, Path: key, Size: len(data), Etag: etagOf(data), Via: ViaFast, Note: "gateway"}
	if err := g.hub.store.put(c.from, key, data, func() { g.sim.journal.record(sent) }); err != nil {
		g.sim.journal.record(Event{Actor: Hub, Op: OpRefuse, Path: key, Note: "gateway: " + err.Error()})
		refuse(w, http.StatusForbidden, "permission_denied", c.from+" may not write "+key, id)
		return
	}
	g.hub.broadcast(c.from, key, data, g.sim.clock.now())
	if g.awaitResponse(w, req, c, id) {
		return
	}
	query := url.Values{"x-syft-request-id": {id}, "x-syft-url": {c.url}, "x-syft-from": {c.from}}
	pollURL := "/api/v1/send/poll?" + query.Encode()
	w.Header().Set("Location", pollURL)
	reply(w, http.StatusAccepted, map[string]any{
		"request_id": id, "data": map[string]any{"poll_url": pollURL}, "message": "request sent; poll for the response",
	})
}

func (g *gateway) servePoll(w http.ResponseWriter, req *http.Request) {
	c, err := parseCall(req)
	id := req.URL.Query().Get("x-syft-request-id")
	if err == nil && (id == "" || strings.Contains(id, "/")) {
		err = errors.New("parameter x-syft-request-id is missing or invalid")
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "invalid_request", err.Error(), id)
		return
	}
	if _, suffixed := g.hub.store.get(c.folder + "/" + c.from + "/" + id + ".request"); suffixed {
		c.folder += "/" + c.from
	} else if _, plain := g.hub.store.get(c.folder + "/" + id + ".request"); !plain {
		refuse(w, http.StatusNotFound, "not_found", "request does not exist, or its response was already fetched", id)
		return
	}
	if !g.awaitResponse(w, req, c, id) {
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusAccepted, "timeout", "no response yet", id)
	}
}

// awaitResponse waits for a response, deletes the request and the response on the server, and
// replies with the response. It returns false if there was no response in time.
func (g *gateway) awaitResponse(w http.ResponseWriter, req *http.Request, c call, id string) bool {
	key := c.folder + "/" + id + ".response"
	o, ok := g.awaitObject(req.Context(), key, c.timeout)
	if !ok {
		return false
	}
	for _, name := range []string{c.folder + "/" + id + ".request", key} {
		g.hub.store.drop(name)
		g.sim.journal.record(Event{Actor: Hub, Op: OpDelete, Path: name, Note: "gateway: response fetched"})
	}
	replyResponse(w, o.data, id)
	return true
}

// awaitObject waits until the server has a file.
func (g *gateway) awaitObject(ctx context.Context, key string, timeout time.Duration) (object, bool) {
	g.sim.clock.enter()
	defer g.sim.clock.leave()
	deadline := g.sim.clock.now().Add(timeout)
	for {
		if o, ok := g.hub.store.get(key); ok {
			return o, true
		}
		if ctx.Err() != nil || !g.sim.clock.now().Before(deadline) || !g.hub.process.current().wait(g.sim.scaled(gatewayPoll)) {
			return object{}, false
		}
	}
}

// replyResponse replies with the content of a response file. The HTTP status is 200: the
// status of the application is in the content.
func replyResponse(w http.ResponseWriter, data []byte, id string) {
	var fields map[string]any
	err := json.Unmarshal(data, &fields)
	if text, ok := fields["body"].(string); ok && err == nil {
		var body []byte
		// Like SyftBox, accept only the URL-safe alphabet with padding.
		if body, err = base64.URLEncoding.DecodeString(text); err == nil && json.Valid(body) {
			fields["body"] = json.RawMessage(body)
		} else {
			fields["body"] = string(body)
		}
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, "internal_error", fmt.Sprintf("malformed response: %v", err), id)
		return
	}
	reply(w, http.StatusOK, map[string]any{"request_id": id, "data": map[string]any{"message": fields}})
}

func refuse(w http.ResponseWriter, status int, code, text, id string) {
	fields := map[string]any{"error": code, "message": text}
	if id != "" {
		fields["request_id"] = id
	}
	reply(w, status, fields)
}

func reply(w http.ResponseWriter, status int, fields map[string]any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(fields) // fails only if the caller has gone
}
