package fakebox

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// A journal records the events of a network.
type journal struct {
	clock   *clock
	observe func(Event) // Config.Observe
	test    TB          // nil outside tests

	mu            sync.Mutex // guards the fields below, and serializes calls of observe
	events        []Event
	subscriptions []*Subscription
}

// record adds an event. A zero time means now.
func (j *journal) record(e Event) {
	j.recordOnce(e, func() error { return nil })
}

// recordOnce calls do, which makes a file appear or disappear, and adds an event if it
// succeeds. Whoever sees the change in the file system, and asks the journal then, finds the
// event there.
func (j *journal) recordOnce(e Event, do func() error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := do(); err != nil {
		return err
	}
	if e.Time.IsZero() {
		e.Time = j.clock.now()
	}
	j.events = append(j.events, e)
	for _, s := range j.subscriptions {
		s.push(e)
	}
	if j.observe != nil {
		j.observe(e)
	}
	return nil
}

// recordError records the failure of a client to handle a file, such as a name that
// the file system does not support or an unreachable server; the next full sync
// tries again. It ignores a nil error, and a file that an application has removed.
func (j *journal) recordError(email, key, via string, err error) {
	if ignoreNotExist(err) != nil {
		j.record(Event{Actor: boxActor(email), Op: OpError, Path: key, Via: via, Note: err.Error()})
	}
}

// trouble records an error that no simulated fault explains, and fails the test.
func (j *journal) trouble(actor, name string, err error) {
	j.record(Event{Actor: actor, Op: OpError, Path: name, Note: err.Error()})
	if j.test != nil {
		j.test.Errorf("fakebox: %s: %s: %v", actor, name, err)
	}
}

func (j *journal) all() []Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]Event(nil), j.events...)
}

// take returns all events and removes them.
func (j *journal) take() []Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	events := j.events
	j.events = nil
	return events
}

// last returns the last n events.
func (j *journal) last(n int) []Event {
	events := j.all()
	return events[max(0, len(events)-n):]
}

// WriteEvents writes events as JSON, one per line.
func WriteEvents(w io.Writer, events []Event) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for _, e := range events {
		if err := encoder.Encode(e); err != nil {
			return fmt.Errorf("fakebox: write journal: %w", err)
		}
	}
	return nil
}
