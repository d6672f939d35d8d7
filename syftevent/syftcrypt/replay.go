package syftcrypt

import (
	"context"
	"crypto/sha256"
	"maps"
	"sync"

	"github.com/syftevent/syftevent-go/syftevent"
)

// Bounds of the memory of messages. An entry takes about 200 bytes.
const (
	replaysPerPerson = 4096
	replaysTotal     = 65536
	// maxRuns is how often a handler gets one request: a server repeats it if the response is
	// lost, for example.
	maxRuns = 4
	// maxAnswers limits the size of the responses that are returned again, in bytes.
	maxAnswers = 16 << 20
)

type digest = [sha256.Size]byte

// replays remembers the messages that were received, so that none is accepted as part of another
// request or response. When it is full, it forgets the oldest message of the person who sent
// the most.
type replays struct {
	mu      sync.Mutex
	total   int
	persons map[string]*received
	answers []*use // with a response, the oldest first
	size    int    // of the responses
}

// received are the messages of one person.
type received struct {
	seen  map[digest]*use
	order []digest // the oldest first
}

// A use is the request or the response of which a message was a part.
type use struct {
	of       digest
	runs     int
	running  chan struct{}       // closed when the handler returns; nil if it does not run
	response *syftevent.Response // to the request, encrypted; nil if it is not kept
	size     int
}

// answer keeps the response to a request: whoever delivers the request again gets the same
// response, and the handler does not run again.
func (r *replays) answer(u *use, response *syftevent.Response) {
	size := len(response.Body)
	for name, value := range response.Headers {
		size += len(name) + len(value)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if u.response != nil || size > maxAnswers {
		return
	}
	kept := *response
	kept.Headers = maps.Clone(response.Headers)
	u.response, u.size = &kept, size
	r.answers = append(r.answers, u)
	for r.size += size; r.size > maxAnswers; r.answers = r.answers[1:] {
		r.size -= r.answers[0].size
		r.answers[0].response = nil
	}
}

// begin returns a copy of the response that was kept. If there is none, and the error is nil, the
// handler may run until end. While it runs for another delivery of the request, begin waits. It
// returns [ErrReplay] if the handler ran too often.
func (r *replays) begin(ctx context.Context, u *use) (*syftevent.Response, error) {
	for {
		r.mu.Lock()
		running := u.running
		switch {
		case u.response != nil:
			response := *u.response
			response.Headers = maps.Clone(u.response.Headers)
			r.mu.Unlock()
			return &response, nil
		case running == nil && u.runs >= maxRuns:
			r.mu.Unlock()
			return nil, ErrReplay
		case running == nil:
			u.runs++
			u.running = make(chan struct{})
			r.mu.Unlock()
			return nil, nil
		}
		r.mu.Unlock()
		select {
		case <-running:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// end ends a run of the handler.
func (r *replays) end(u *use) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(u.running)
	u.running = nil
}

// accept records the use of a message as part of a request or a response. It returns nil if the
// message is part of another one.
func (r *replays) accept(person string, message, of digest) *use {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.persons == nil {
		r.persons = map[string]*received{}
	}
	p := r.persons[person]
	if p == nil {
		p = &received{seen: map[digest]*use{}}
		r.persons[person] = p
	}
	if known := p.seen[message]; known != nil {
		if known.of != of {
			return nil
		}
		return known
	}
	if len(p.order) >= replaysPerPerson {
		r.forget(person)
	}
	u := &use{of: of}
	p.seen[message] = u
	p.order = append(p.order, message)
	if r.total++; r.total > replaysTotal {
		r.forget(r.most())
	}
	return u
}

// forget forgets the oldest message of a person.
func (r *replays) forget(person string) {
	p := r.persons[person]
	delete(p.seen, p.order[0])
	p.order = p.order[1:]
	r.total--
	if len(p.order) == 0 {
		delete(r.persons, person)
	}
}

// most returns the person who has the most messages.
func (r *replays) most() (person string) {
	most := 0
	for name, p := range r.persons {
		if len(p.order) > most {
			person, most = name, len(p.order)
		}
	}
	return person
}
