package fakebox

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"
)

// A Request is a request for [Replica.Send].
type Request struct {
	// Datasite is the address of the recipient. App and Endpoint are the recipient's
	// app and its endpoint.
	Datasite, App, Endpoint string
	// Method defaults to POST.
	Method string
	// Headers are sent unchanged.
	Headers map[string]string
	// Body is omitted from the file if it is empty.
	Body []byte
}

const (
	// requestLifetime is the lifetime of requests that SyftBox's server creates.
	requestLifetime = 24 * time.Hour
	// clockSkew is how slow the clock of a sender is under the fault [Skew].
	clockSkew = 25 * time.Hour
)

// envelope is the request file that SyftBox's server creates, with its fields in the same
// order. SyftBox encodes it with encoding/json, too.
type envelope struct {
	ID      string            `json:"id"`
	Sender  string            `json:"sender"`
	Headers map[string]string `json:"headers"`
	Created time.Time         `json:"created"`
	Expires time.Time         `json:"expires"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Body    string            `json:"body,omitempty"`
}

func (e envelope) encode(body []byte) ([]byte, error) {
	e.Body = base64.URLEncoding.EncodeToString(body)
	if e.Headers == nil {
		e.Headers = map[string]string{}
	}
	return json.Marshal(e)
}

// compose creates the id and the file of a request that belongs in the given folder.
func (s *simulation) compose(folder, from, url, method string, headers map[string]string, body []byte) (id string, data []byte, err error) {
	id = s.chance.newID(from)
	now := s.clock.now().UTC()
	key := folder + "/" + id + ".request"
	if s.chance.decide(atCompose, key) == Skew {
		now = now.Add(-clockSkew)
		s.journal.record(Event{Actor: appActor(from), Op: OpWrite, Path: key, Fault: Skew})
	}
	e := envelope{
		ID: id, Sender: from, Headers: headers, Created: now, Expires: now.Add(requestLifetime), Method: method, URL: url,
	}
	data, err = e.encode(body)
	return id, data, err
}

// Send writes a request into the replica, as a client application on this machine does,
// in the folder of its sender. It returns the path of the file relative to "datasites";
// the response has the same path with ".response" instead of ".request". Send returns an
// error if the datasite, app or endpoint is invalid; an error fails the test passed to
// [New].
func (r *Replica) Send(req Request) (key string, err error) {
	key, err = r.send(req)
	return key, r.box.failed(err)
}

func (r *Replica) send(req Request) (string, error) {
	if req.Method == "" {
		req.Method = "POST"
	}
	endpoint := strings.Trim(req.Endpoint, "/")
	folder, err := keyIn(req.Datasite, path.Join("app_data", req.App, "rpc", endpoint, r.Email))
	if err != nil {
		return "", err
	}
	if !emailPattern.MatchString(req.Datasite) || req.App == "" || strings.Contains(req.App, "/") {
		return "", fmt.Errorf("fakebox: send request: datasite %q or app %q is invalid", req.Datasite, req.App)
	}
	url := "syft://" + path.Join(req.Datasite, "app_data", req.App, "rpc", endpoint)
	id, data, err := r.box.sim.compose(folder, r.Email, url, req.Method, req.Headers, req.Body)
	if err != nil {
		return "", fmt.Errorf("fakebox: send request to %s: %w", url, err)
	}
	key := path.Join(folder, id+".request")
	if err := r.tree.writeFile(key, data); err != nil {
		return "", fmt.Errorf("fakebox: send %s: %w", key, err)
	}
	return key, nil
}
