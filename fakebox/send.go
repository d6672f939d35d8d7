package fakebox

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"
)

// A Request is what [Replica.Send] sends.
type Request struct {
	// Datasite is whom it is for, and App and Endpoint what.
	Datasite, App, Endpoint string
	// Method is POST if it is left out.
	Method string
	// Headers are sent as they are.
	Headers map[string]string
	// Body is left out of the file if it is empty.
	Body []byte
}

const (
	// requestLifetime is how long a request of SyftBox's own server is valid.
	requestLifetime = 24 * time.Hour
	// clockSkew is how slow a clock is by the fault [Skew].
	clockSkew = 25 * time.Hour
)

// envelope is the file that SyftBox's server makes of a request: its fields, in its
// order.
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

// encode returns the file. encoding/json's escapes, its times and its order are
// those of SyftBox, which uses it too.
func (e envelope) encode(body []byte) ([]byte, error) {
	e.Body = base64.URLEncoding.EncodeToString(body)
	if e.Headers == nil {
		e.Headers = map[string]string{}
	}
	return json.Marshal(e)
}

// compose makes the file of a request, which is to lie in a folder, and its id.
func (b *Box) compose(folder, from, url, method string, headers map[string]string, body []byte) (id string, data []byte, err error) {
	id = b.newID(from)
	now := b.clock.now().UTC()
	key := folder + "/" + id + ".request"
	if b.decide(atCompose, key) == Skew {
		now = now.Add(-clockSkew)
		b.record(Event{Actor: from + "/app", Op: OpWrite, Path: key, Fault: Skew})
	}
	e := envelope{
		ID: id, Sender: from, Headers: headers, Created: now, Expires: now.Add(requestLifetime), Method: method, URL: url,
	}
	data, err = e.encode(body)
	return id, data, err
}

// newID returns a random UUID, by the seed.
func (b *Box) newID(from string) string {
	high, low := b.draw("id "+from), b.draw("id "+from)
	high = high&^0xf000 | 0x4000
	low = low&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", high>>32, high>>16&0xffff, high&0xffff, low>>48, low&(1<<48-1))
}

// Send writes a request into the replica as a client on this machine does, in the
// folder of its sender, and returns its path below "datasites". The file of the
// response then has the same name, but for ".response". A path that would leave
// the replica is an error; an error fails the test that [New] was given.
func (r *Replica) Send(req Request) (key string, err error) {
	key, err = r.trySend(req)
	return key, r.box.failed(err)
}

func (r *Replica) trySend(req Request) (string, error) {
	if req.Method == "" {
		req.Method = "POST"
	}
	endpoint := strings.Trim(req.Endpoint, "/")
	folder, err := r.key(req.Datasite, path.Join("app_data", req.App, "rpc", endpoint, r.Email))
	if err != nil {
		return "", err
	}
	if !emailPattern.MatchString(req.Datasite) || req.App == "" || strings.Contains(req.App, "/") {
		return "", fmt.Errorf("fakebox: a request to %q needs the address of a datasite and the name of an app, not %q", req.Datasite, req.App)
	}
	url := "syft://" + path.Join(req.Datasite, "app_data", req.App, "rpc", endpoint)
	id, data, err := r.box.compose(folder, r.Email, url, req.Method, req.Headers, req.Body)
	if err != nil {
		return "", fmt.Errorf("fakebox: making a request to %s: %w", url, err)
	}
	key := path.Join(folder, id+".request")
	name := path.Join("datasites", key)
	if err := r.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return "", fmt.Errorf("fakebox: sending %s: %w", key, err)
	}
	if err := r.root.WriteFile(name, data, 0o644); err != nil {
		return "", fmt.Errorf("fakebox: sending %s: %w", key, err)
	}
	return key, nil
}
