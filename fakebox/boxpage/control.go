package boxpage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

// A network is the state of the network.
type network struct {
	People  []person   `json:"people"`
	Server  bool       `json:"server"` // the hub runs
	Speed   float64    `json:"speed"`
	Rate    float64    `json:"rate"`
	Faults  []faultRow `json:"faults"`
	Gateway string     `json:"gateway,omitempty"`
	Apps    []app      `json:"apps"`
}

type person struct {
	Email   string `json:"email"`
	Online  bool   `json:"online"`
	Running bool   `json:"running"`
	Config  string `json:"config"`
}

type faultRow struct {
	Fault       fakebox.Fault `json:"fault"`
	Description string        `json:"description"`
	Requirement string        `json:"requirement"`
	Next        int           `json:"next"`
	Rate        float64       `json:"rate"`
}

// An app is an app in its owner's replica.
type app struct {
	Owner     string     `json:"owner"`
	Name      string     `json:"name"`
	Endpoints []endpoint `json:"endpoints"`
}

// An endpoint is an endpoint in the schema of an app, or a folder with a .syftkeep.
type endpoint struct {
	Path        string          `json:"path"`
	Method      string          `json:"method,omitempty"`
	Description string          `json:"description,omitempty"`
	Args        json.RawMessage `json:"args,omitempty"`
	// PathArgs and Query are like Args, for values in the URL.
	PathArgs json.RawMessage `json:"pathArgs,omitempty"`
	Query    json.RawMessage `json:"query,omitempty"`
}

func (p *Page) serveState(w http.ResponseWriter, _ *http.Request) {
	n := network{
		Server: p.box.ServerRunning(), Speed: p.box.Speed(), Rate: p.box.FaultRate(), Gateway: p.options.Gateway,
		People: []person{}, Apps: []app{},
	}
	for _, r := range p.box.Replicas() {
		n.People = append(n.People, person{r.Email, r.Online(), r.Running(), r.ConfigPath()})
		n.Apps = append(n.Apps, p.apps(r)...)
	}
	settings := p.box.FaultSettings()
	for i, info := range fakebox.Faults() {
		n.Faults = append(n.Faults, faultRow{info.Fault, info.Description, info.Requirement, settings[i].Next, settings[i].Rate})
	}
	reply(w, http.StatusOK, n)
}

// maxApps and maxEndpoints limit what the page lists for each person and app.
const maxApps, maxEndpoints = 100, 500

// apps returns the apps in the datasite of a replica's owner.
func (p *Page) apps(r *fakebox.Replica) []app {
	var apps []app
	entries, _ := os.ReadDir(filepath.Join(r.Datasite(), "app_data")) // no folder, no apps
	for _, entry := range entries {
		if info, err := os.Lstat(filepath.Join(r.Datasite(), "app_data", entry.Name(), "rpc")); err != nil || !info.IsDir() {
			continue
		}
		if len(apps) == maxApps {
			break
		}
		apps = append(apps, app{r.Email, entry.Name(), p.endpointsOf(r, entry.Name())})
	}
	return apps
}

func (p *Page) endpointsOf(r *fakebox.Replica, name string) []endpoint {
	endpoints := []endpoint{}
	rpc := path.Join(r.Email, "app_data", name, "rpc")
	data, _ := p.readReplica(r.Email, path.Join(rpc, "rpc.schema.json"))
	var schema map[string]json.RawMessage
	json.Unmarshal(data, &schema) // no schema, or an invalid one, lists nothing
	for key, value := range schema {
		var fields struct {
			Description *string         `json:"description"`
			Args        json.RawMessage `json:"args"`
			Path        json.RawMessage `json:"path"`
			Query       json.RawMessage `json:"query"`
			Method      string          `json:"method"`
		}
		if json.Unmarshal(value, &fields) != nil {
			continue
		}
		e := endpoint{Path: key, Method: fields.Method, Args: fields.Args, PathArgs: fields.Path, Query: fields.Query}
		if method, rest, ok := strings.Cut(key, " "); ok {
			e.Method, e.Path = method, rest
		}
		if fields.Description != nil {
			e.Description = *fields.Description
		}
		endpoints = append(endpoints, e)
	}
	if len(endpoints) == 0 {
		endpoints = foldersWithKeep(r.Path(rpc))
	}
	slices.SortFunc(endpoints, func(a, b endpoint) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	return endpoints[:min(len(endpoints), maxEndpoints)]
}

// foldersWithKeep returns the folders of endpoints: those that a server has kept from
// being pruned.
func foldersWithKeep(rpc string) []endpoint {
	endpoints := []endpoint{}
	filepath.WalkDir(rpc, func(name string, d fs.DirEntry, err error) error {
		if err != nil || len(endpoints) == maxEndpoints {
			return nil
		}
		if d.IsDir() && strings.Contains(d.Name(), "@") {
			return fs.SkipDir // of a sender
		}
		if rel, err := filepath.Rel(rpc, filepath.Dir(name)); err == nil && d.Name() == ".syftkeep" && rel != "." {
			endpoints = append(endpoints, endpoint{Path: "/" + filepath.ToSlash(rel)})
		}
		return nil
	})
	return endpoints
}

// An outgoing is a request that the user wants to send.
type outgoing struct {
	From     string            `json:"from"`
	To       string            `json:"to"`
	App      string            `json:"app"`
	Endpoint string            `json:"endpoint"`
	Method   string            `json:"method"`
	Headers  map[string]string `json:"headers"`
	Body     string            `json:"body"`
	// Expires is the number of seconds until the request expires.
	Expires float64 `json:"expires"`

	query string // of the URL, cut from Endpoint by check
}

var (
	emailPattern  = regexp.MustCompile(`^[a-z0-9_.+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$`)
	placeholder   = regexp.MustCompile(`\{[^/{}]*\}`)
	methodPattern = regexp.MustCompile(`^[A-Za-z]{1,20}$`)
)

// check returns an error that names the invalid field.
func (o *outgoing) check() error {
	endpoint, query, _ := strings.Cut(o.Endpoint, "?")
	o.Endpoint, o.query = "/"+strings.Trim(endpoint, "/"), query
	_, queryErr := url.ParseQuery(query)
	switch {
	case strings.Contains(o.Endpoint+query, "#"):
		return errors.New("endpoint: a request has no fragment, the part after #")
	case queryErr != nil:
		return fmt.Errorf("endpoint: query %q: %w", query, queryErr)
	case placeholder.MatchString(o.Endpoint):
		return fmt.Errorf("endpoint: the path parameter %s has no value", placeholder.FindString(o.Endpoint))
	case !emailPattern.MatchString(o.To):
		return fmt.Errorf("to: %q is not an e-mail address in lower case", o.To)
	case o.App == "" || o.App == "." || o.App == ".." || strings.ContainsAny(o.App, "/\\\x00"):
		return fmt.Errorf("app: %q is not the name of a folder", o.App)
	case o.Endpoint == "/" || path.Clean(o.Endpoint) != o.Endpoint || strings.ContainsAny(o.Endpoint, "\\\x00"):
		return fmt.Errorf("endpoint: %q is not a path such as /hello", o.Endpoint)
	case !methodPattern.MatchString(o.Method):
		return fmt.Errorf("method: %q is not a method such as POST", o.Method)
	case math.IsNaN(o.Expires) || math.Abs(o.Expires) > 1e8:
		return fmt.Errorf("expiry: %v seconds is out of range", o.Expires)
	}
	return nil
}

func (o *outgoing) url() string {
	return "syft://" + o.To + (&url.URL{Path: "/app_data/" + o.App + "/rpc" + o.Endpoint, RawQuery: o.query}).String()
}

// readOutgoing reads the request that the page wants to send, or replies with an error.
func readOutgoing(w http.ResponseWriter, req *http.Request) (o outgoing, ok bool) {
	if !readJSON(w, req, &o) {
		return o, false
	}
	if err := o.check(); err != nil {
		replyError(w, http.StatusBadRequest, "%v", err)
		return o, false
	}
	return o, true
}

func (p *Page) serveSend(w http.ResponseWriter, req *http.Request) {
	o, ok := readOutgoing(w, req)
	if !ok {
		return
	}
	replica, ok := p.box.Replica(o.From)
	if !ok {
		replyError(w, http.StatusBadRequest, "from: %q has not joined the network", o.From)
		return
	}
	key, err := replica.Send(fakebox.Request{
		Datasite: o.To, App: o.App, Endpoint: o.Endpoint, Query: o.query, Method: o.Method, Headers: o.Headers, Body: []byte(o.Body),
		Expires: time.Duration(o.Expires * float64(time.Second)),
	})
	if err != nil {
		replyError(w, http.StatusInternalServerError, "%v", err)
		return
	}
	reply(w, http.StatusOK, map[string]any{"n": p.sent(key, o.Method)})
}

// sent adds a call that the page has sent: there may never be an event of it. It returns
// the number of the call.
func (p *Page) sent(key, method string) int {
	p.catchUp()
	return p.model.sent(key, method)
}

func (m *model) sent(key, method string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := parseFile(key)
	if !ok {
		return 0
	}
	m.seq++
	c := m.callOf(f, time.Now())
	if c.method == "" {
		c.method = method
	}
	setFirst(&c.request.Written, c.started)
	m.touch(c)
	m.notify()
	return c.number
}

func (p *Page) serveFault(w http.ResponseWriter, req *http.Request) {
	var body struct {
		Fault fakebox.Fault `json:"fault"`
		Next  int           `json:"next"` // 0 changes nothing
		Rate  *float64      `json:"rate"`
	}
	if !readJSON(w, req, &body) {
		return
	}
	_, err := fakebox.ParseFault(string(body.Fault))
	switch {
	case err != nil && (body.Fault != "" || body.Next != 0):
	case body.Next < 0 || body.Next > 1e6:
		err = fmt.Errorf("next: %d is not between 0 and 1000000", body.Next)
	case body.Rate != nil && !(*body.Rate >= 0 && *body.Rate <= 1):
		err = fmt.Errorf("rate: %v is not between 0 and 1", *body.Rate)
	default:
		err = nil
	}
	if err != nil {
		replyError(w, http.StatusBadRequest, "%v", err)
		return
	}
	if body.Next > 0 {
		err = p.box.FailNext(body.Fault, body.Next)
	}
	if body.Rate != nil && err == nil {
		err = p.box.SetFaultRate(body.Fault, *body.Rate)
	}
	done(w, err)
}

// done replies to a request that changed the network.
func done(w http.ResponseWriter, err error) {
	if err != nil {
		replyError(w, http.StatusConflict, "%v", err)
		return
	}
	reply(w, http.StatusOK, map[string]bool{"ok": true})
}

func (p *Page) serveHeal(w http.ResponseWriter, req *http.Request) {
	if readJSON(w, req, &struct{}{}) {
		p.box.Heal()
		done(w, nil)
	}
}

// replica finds the replica of a request. If there is none, it replies and returns nil.
func (p *Page) replica(w http.ResponseWriter, email string) *fakebox.Replica {
	r, ok := p.box.Replica(email)
	if !ok {
		replyError(w, http.StatusBadRequest, "%q has not joined the network", email)
		return nil
	}
	return r
}

func (p *Page) serveOnline(w http.ResponseWriter, req *http.Request) {
	var body struct {
		Email  string `json:"email"`
		Online bool   `json:"online"`
	}
	if !readJSON(w, req, &body) {
		return
	}
	if r := p.replica(w, body.Email); r != nil {
		r.SetOnline(body.Online)
		done(w, nil)
	}
}

func (p *Page) serveClient(w http.ResponseWriter, req *http.Request) {
	var body struct {
		Email   string `json:"email"`
		Running bool   `json:"running"`
	}
	if !readJSON(w, req, &body) {
		return
	}
	r := p.replica(w, body.Email)
	if r == nil {
		return
	}
	// Requests that change nothing are no errors: an error would fail a test.
	var err error
	switch {
	case body.Running == r.Running():
	case body.Running && (!r.Online() || !p.box.ServerRunning()):
		err = fmt.Errorf("the client of %s does not start while it cannot reach the hub", body.Email)
	case body.Running:
		err = r.Start()
	default:
		err = r.Stop()
	}
	done(w, err)
}

func (p *Page) serveServer(w http.ResponseWriter, req *http.Request) {
	var body struct {
		Running bool `json:"running"`
	}
	if !readJSON(w, req, &body) {
		return
	}
	var err error
	switch {
	case body.Running == p.box.ServerRunning():
	case body.Running:
		err = p.box.StartServer()
	default:
		err = p.box.StopServer()
	}
	done(w, err)
}

func (p *Page) serveSpeed(w http.ResponseWriter, req *http.Request) {
	var body struct {
		Speed float64 `json:"speed"`
	}
	if !readJSON(w, req, &body) {
		return
	}
	if !(body.Speed >= 0.01 && body.Speed <= 1000) {
		replyError(w, http.StatusBadRequest, "speed: %v is not between 0.01 and 1000", body.Speed)
		return
	}
	err := p.box.SetSpeed(body.Speed)
	p.model.act("box speed %v", body.Speed)
	done(w, err)
}
