package boxpage

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/syftevent/syftevent-go/fakebox"
)

// maxText is the maximum size in bytes of a text that the page shows.
const maxText = 256 << 10

// A detail is everything that the page shows of a call.
type detail struct {
	summary
	Key       string          `json:"key"`
	URL       string          `json:"url"`
	Request   leg             `json:"request"`
	Response  leg             `json:"response"`
	RequestF  *content        `json:"requestFile"`
	ResponseF *content        `json:"responseFile"`
	Hops      []hop           `json:"hops"`
	Events    []fakebox.Event `json:"events"`
	Omitted   int             `json:"omitted"` // events that are not remembered
	Diagnosis *diagnosis      `json:"diagnosis"`
}

// A hop is a step of a call and its duration.
type hop struct {
	Name   string  `json:"name"`
	Note   string  `json:"note,omitempty"` // what the duration includes
	Millis float64 `json:"ms"`             // -1 if it has not ended
}

// A content is a request or response file, decoded.
type content struct {
	Size    int               `json:"size"`
	Raw     string            `json:"raw"`
	Cut     bool              `json:"cut"` // Raw is not whole
	Error   string            `json:"error,omitempty"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Kind    string            `json:"kind"` // of the body: none, empty, json, text, binary
	BodyLen int               `json:"bodySize"`
	Method  string            `json:"method,omitempty"`
	Status  int               `json:"status,omitempty"`
	Created string            `json:"created,omitempty"`
	Expires string            `json:"expires,omitempty"`
	Sender  string            `json:"sender,omitempty"`
}

// snapshot returns a copy of a call.
func (m *model) snapshot(number int) (*call, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.byNumber[number]
	if c == nil {
		return nil, false
	}
	copied := *c
	copied.events = append([]fakebox.Event(nil), c.events...)
	copied.faults = append([]string(nil), c.faults...)
	return &copied, true
}

// takeDeleted returns copies of the calls whose request was deleted since the last call of
// takeDeleted, and whose cause is not known.
func (m *model) takeDeleted() []*call {
	m.mu.Lock()
	numbers := m.deleted
	m.deleted = nil
	m.mu.Unlock()
	var calls []*call
	for _, number := range numbers {
		if c, ok := m.snapshot(number); ok {
			calls = append(calls, c)
		}
	}
	return calls
}

// setCause remembers why a call has no response.
func (m *model) setCause(number int, found *cause) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.byNumber[number]; c != nil && found != nil {
		c.cause = found
	}
}

// call finds the call that a request names. If there is none, it replies and returns nil.
func (p *Page) call(w http.ResponseWriter, req *http.Request) *call {
	p.catchUp()
	number, err := strconv.Atoi(req.URL.Query().Get("n"))
	if err == nil {
		if c, ok := p.model.snapshot(number); ok {
			return c
		}
	}
	replyError(w, http.StatusNotFound, "call %q is not remembered", req.URL.Query().Get("n"))
	return nil
}

func (p *Page) serveCall(w http.ResponseWriter, req *http.Request) {
	c := p.call(w, req)
	if c == nil {
		return
	}
	d := detail{
		summary: c.summary(p.joined), Key: c.key, URL: c.url, Request: c.request, Response: c.response, Events: c.events,
		Omitted: c.eventCount - len(c.events), Hops: c.hops(), Diagnosis: p.diagnose(c),
	}
	if d.Diagnosis != nil && d.State != stateDeleted {
		p.model.setCause(c.number, &cause{d.State, *d.Diagnosis})
	}
	if data, ok := p.content(c, false); ok {
		d.RequestF = decode(data)
	}
	if data, ok := p.content(c, true); ok {
		d.ResponseF = decode(data)
	}
	reply(w, http.StatusOK, d)
}

// hops returns the steps of a call.
func (c *call) hops() []hop {
	var hops []hop
	add := func(name, note string, from, to time.Time) {
		switch {
		case from.IsZero():
		case to.IsZero():
			hops = append(hops, hop{name, note, -1})
		default:
			// The journal has the time of a write as the file system knows it: a step that
			// was faster than its clock seems to end before it began.
			hops = append(hops, hop{name, note, float64(max(0, to.Sub(from)).Microseconds()) / 1000})
		}
	}
	q, r := &c.request, &c.response
	via := func(v string) string {
		switch v {
		case fakebox.ViaFast:
			return " by the fast path"
		case fakebox.ViaFullSync:
			return " by a full sync"
		}
		return ""
	}
	self := c.sender == c.server
	if !self {
		add("request waits at the sender", "", q.Written, q.Sent)
		add("request travels"+via(q.Via), "", q.Sent, q.Arrived)
	}
	add("server responds", "from the arrival of the request, even if no server ran then", q.Arrived, r.Written)
	if !self {
		add("response waits at the server", "", r.Written, r.Sent)
		add("response travels"+via(r.Via), "", r.Sent, r.Arrived)
	}
	return hops
}

// decode decodes a request or response file.
func decode(data []byte) *content {
	c := &content{Size: len(data), Headers: map[string]string{}, Kind: "none"}
	raw := data
	if len(raw) > maxText {
		raw, c.Cut = raw[:maxText], true
	}
	c.Raw = strings.ToValidUTF8(string(raw), "\uFFFD")
	var fields struct {
		Headers map[string]any `json:"headers"`
		Body    *string        `json:"body"`
		Method  string         `json:"method"`
		Status  int            `json:"status_code"`
		Created string         `json:"created"`
		Expires string         `json:"expires"`
		Sender  string         `json:"sender"`
	}
	if err := json.Unmarshal(data, &fields); err != nil {
		c.Error = "the file is not a complete message: " + err.Error()
		return c
	}
	c.Method, c.Status, c.Created, c.Expires, c.Sender = fields.Method, fields.Status, fields.Created, fields.Expires, fields.Sender
	for name, value := range fields.Headers {
		text, ok := value.(string)
		if !ok {
			encoded, _ := json.Marshal(value) // was decoded from JSON
			text = string(encoded)
		}
		c.Headers[name] = text
	}
	if fields.Body == nil {
		return c
	}
	body, err := decodeBase64(*fields.Body)
	if err != nil {
		c.Error, body = "the body is not base64", []byte(*fields.Body)
	}
	c.BodyLen = len(body)
	c.Body, c.Kind = pretty(body)
	return c
}

// decodeBase64 decodes both alphabets, with and without padding.
func decodeBase64(text string) ([]byte, error) {
	text = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/", "\n", "", "\r", "").Replace(text), "=")
	return base64.RawStdEncoding.DecodeString(text)
}

// pretty returns a body as text, and its kind.
func pretty(body []byte) (text, kind string) {
	var indented bytes.Buffer
	switch {
	case len(body) == 0:
		return "", "empty"
	case len(body) > maxText:
		return "The body is too large to be shown. Download the file.", "binary"
	case json.Indent(&indented, body, "", "  ") == nil:
		return indented.String(), "json"
	case utf8.Valid(body) && !bytes.ContainsRune(body, 0):
		return string(body), "text"
	}
	return dump(body), "binary"
}

// serveRaw serves the file of a request or response as a download.
func (p *Page) serveRaw(w http.ResponseWriter, req *http.Request) {
	c := p.call(w, req)
	if c == nil {
		return
	}
	part := req.URL.Query().Get("part")
	if part != "request" && part != "response" {
		replyError(w, http.StatusBadRequest, "part %q is neither request nor response", part)
		return
	}
	data, ok := p.content(c, part == "response")
	if !ok {
		replyError(w, http.StatusNotFound, "the %s does not exist any more", part)
		return
	}
	attach(w, c.id+"."+part, data)
}

// attach serves a file as a download.
func attach(w http.ResponseWriter, name string, data []byte) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": safeName(name)}))
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.Write(data)
}

// safeName returns a name for a file on any system.
func safeName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.@+", r) {
			return r
		}
		return '_'
	}, path.Base(name))
	const longest = 100
	if len(name) > longest {
		name = name[len(name)-longest:]
	}
	if name = strings.TrimLeft(name, "."); name == "" {
		name = "file"
	}
	return name
}

func (p *Page) serveFiles(w http.ResponseWriter, req *http.Request) {
	reply(w, http.StatusOK, p.files(req.URL.Query().Get("q")))
}

// serveFile shows a file in a replica, or on the hub, or serves it as a
// download.
func (p *Page) serveFile(w http.ResponseWriter, req *http.Request) {
	query := req.URL.Query()
	place, key := query.Get("place"), query.Get("path")
	var data []byte
	var ok bool
	if place == fakebox.Hub {
		data, ok = p.box.Stored(key)
	} else {
		data, ok = p.readReplica(place, key)
	}
	switch {
	case !ok:
		replyError(w, http.StatusNotFound, "%q has no file %q, or it is larger than %d MiB", place, key, maxShown>>20)
	case query.Get("download") != "":
		attach(w, path.Base(key), data)
	default:
		text, kind := pretty(data)
		reply(w, http.StatusOK, map[string]any{"text": text, "kind": kind, "size": len(data)})
	}
}
