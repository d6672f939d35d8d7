package fakebox

import (
	"encoding/base64"
	"encoding/json"
	"time"
)

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
func (s *simulation) compose(folder, from, url, method string, headers map[string]string, body []byte, lifetime time.Duration) (id string, data []byte, err error) {
	id = s.chance.newID(from)
	now := s.clock.now().UTC()
	key := folder + "/" + id + ".request"
	if s.chance.decide(atCompose, key) == Skew {
		now = now.Add(-clockSkew)
		s.journal.record(Event{Actor: appActor(from), Op: OpWrite, Path: key, Fault: Skew})
	}
	e := envelope{
		ID: id, Sender: from, Headers: headers, Created: now, Expires: now.Add(lifetime), Method: method, URL: url,
	}
	data, err = e.encode(body)
	return id, data, err
}
