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
	// GatewayTimeout is how long the gateway waits for an answer unless the caller
	// says otherwise.
	GatewayTimeout = time.Second
	// gatewayPoll is how often it looks for one, in SyftBox's time.
	gatewayPoll = 200 * time.Millisecond
	// maxGatewayBody is how large a body may be, in bytes.
	maxGatewayBody = 4 << 20
	// guest is who asks without an address of their own.
	guest, oldGuest = "guest@syftbox.net", "guest@syft.org"
)

// Gateway returns the HTTP interface of SyftBox's server, by which whoever has no
// SyftBox sends requests: /api/v1/send/msg and /api/v1/send/poll. The network must
// have been started. While the server is stopped each call is answered with status 503. As in SyftBox the sender is whoever the caller says.
func (b *Box) Gateway() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/send/msg", b.serveSend)
	mux.HandleFunc("GET /api/v1/send/poll", b.servePoll)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if b.hub.current().over() {
			refuse(w, http.StatusServiceUnavailable, "unavailable", "the server is stopped", "")
			return
		}
		mux.ServeHTTP(w, req)
	})
}

// A message is what a call of the gateway is about.
type message struct {
	from    string
	url     *url.URL
	timeout time.Duration
	folder  string // in which the request lies, below "datasites"
}

// parseMessage reads the parameters that sending and polling have in common.
func parseMessage(req *http.Request) (message, error) {
	query := req.URL.Query()
	m := message{from: query.Get("x-syft-from"), timeout: GatewayTimeout}
	if from := req.Header.Get("From"); from != "" {
		m.from = from
	}
	if strings.EqualFold(m.from, oldGuest) {
		m.from = guest
	}
	if m.from == "" {
		return m, errors.New("parameter x-syft-from is missing: who asks")
	}
	if strings.ContainsAny(m.from, "/\\\x00") || m.from == "." || m.from == ".." {
		return m, fmt.Errorf("parameter x-syft-from: %q is no e-mail address", m.from)
	}
	if text := query.Get("timeout"); text != "" {
		ms, err := strconv.Atoi(text)
		if err != nil || ms < 0 {
			return m, fmt.Errorf("parameter timeout: %q is no number of milliseconds", text)
		}
		m.timeout = time.Duration(ms) * time.Millisecond
	}
	text := query.Get("x-syft-url")
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "syft" || u.Host == "" || u.User == nil || path.Clean(u.Path) != u.Path || !strings.HasPrefix(u.Path, "/app_data/") {
		return m, fmt.Errorf("parameter x-syft-url: want syft://EMAIL/app_data/APP/rpc/ENDPOINT, not %q", text)
	}
	u.RawQuery = u.Query().Encode() // sorted
	m.url = u
	m.folder = u.User.String() + "@" + u.Host + u.Path
	return m, nil
}

func (b *Box) serveSend(w http.ResponseWriter, req *http.Request) {
	m, err := parseMessage(req)
	if err != nil {
		refuse(w, http.StatusBadRequest, "invalid_request", err.Error(), "")
		return
	}
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete:
	default:
		refuse(w, http.StatusInternalServerError, "internal_error", "method "+req.Method+" is not one of a request", "")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxGatewayBody))
	if err != nil {
		refuse(w, http.StatusBadRequest, "invalid_request", fmt.Sprintf("the body: %v", err), "")
		return
	}
	headers := map[string]string{}
	for name, values := range req.Header {
		if !strings.EqualFold(name, "Authorization") {
			headers[strings.ToLower(name)] = values[0]
		}
	}
	headers["x-syft-from"], headers["x-syft-url"] = m.from, m.url.String()
	if suffix, _ := strconv.ParseBool(req.URL.Query().Get("suffix-sender")); suffix {
		m.folder += "/" + m.from
	}
	id, data, err := b.compose(m.folder, m.from, m.url.String(), req.Method, headers, body)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "internal_error", err.Error(), "")
		return
	}
	key := m.folder + "/" + id + ".request"
	if err := b.hub.put(m.from, key, data); err != nil {
		b.record(Event{Actor: Hub, Op: OpRefuse, Path: key, Note: "gateway: " + err.Error()})
		refuse(w, http.StatusForbidden, "permission_denied", m.from+" may not write "+key, id)
		return
	}
	b.record(Event{Actor: Hub, Op: OpSend, Path: key, Size: len(data), Via: ViaFast, Note: "gateway"})
	b.broadcast(m.from, key, data, b.clock.now())
	if b.awaitResponse(w, req, m, id) {
		return
	}
	query := url.Values{"x-syft-request-id": {id}, "x-syft-url": {m.url.String()}, "x-syft-from": {m.from}}
	pollURL := "/api/v1/send/poll?" + query.Encode()
	w.Header().Set("Location", pollURL)
	reply(w, http.StatusAccepted, map[string]any{
		"request_id": id, "data": map[string]any{"poll_url": pollURL}, "message": "The request was sent. Ask for the answer later.",
	})
}

func (b *Box) servePoll(w http.ResponseWriter, req *http.Request) {
	m, err := parseMessage(req)
	id := req.URL.Query().Get("x-syft-request-id")
	if err == nil && (id == "" || strings.Contains(id, "/")) {
		err = errors.New("parameter x-syft-request-id is missing")
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "invalid_request", err.Error(), id)
		return
	}
	if _, suffixed := b.hub.get(m.folder + "/" + m.from + "/" + id + ".request"); suffixed {
		m.folder += "/" + m.from
	} else if _, plain := b.hub.get(m.folder + "/" + id + ".request"); !plain {
		refuse(w, http.StatusNotFound, "not_found", "no such request, or its answer was fetched", id)
		return
	}
	if !b.awaitResponse(w, req, m, id) {
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusAccepted, "timeout", "there is no answer yet", id)
	}
}

// awaitResponse waits for a response, and answers with it. Request and response
// are then deleted on the server.
func (b *Box) awaitResponse(w http.ResponseWriter, req *http.Request, m message, id string) bool {
	key := m.folder + "/" + id + ".response"
	o, ok := b.awaitObject(req.Context(), key, m.timeout)
	if !ok {
		return false
	}
	b.answer(w, o.data, id)
	for _, name := range []string{m.folder + "/" + id + ".request", key} {
		b.hub.drop(name)
		b.record(Event{Actor: Hub, Op: OpDelete, Path: name, Note: "gateway: answered"})
	}
	return true
}

// awaitObject waits until the server has a file.
func (b *Box) awaitObject(ctx context.Context, key string, timeout time.Duration) (object, bool) {
	b.clock.enter()
	defer b.clock.leave()
	deadline := b.clock.now().Add(timeout)
	for {
		if o, ok := b.hub.get(key); ok {
			return o, true
		}
		if ctx.Err() != nil || !b.clock.now().Before(deadline) || !b.hub.current().wait(b.scaled(gatewayPoll)) {
			return object{}, false
		}
	}
}

// answer answers with a response file. The status is always 200: that of the
// application is in the message.
func (b *Box) answer(w http.ResponseWriter, data []byte, id string) {
	var fields map[string]any
	err := json.Unmarshal(data, &fields)
	if text, ok := fields["body"].(string); ok && err == nil {
		var body []byte
		// SyftBox reads this form of base64 only.
		if body, err = base64.URLEncoding.DecodeString(text); err == nil && json.Valid(body) {
			fields["body"] = json.RawMessage(body)
		} else {
			fields["body"] = string(body)
		}
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, "internal_error", fmt.Sprintf("the response cannot be read: %v", err), id)
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
	json.NewEncoder(w).Encode(fields) // whoever has gone does not read it
}
