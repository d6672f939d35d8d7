package fakebox

import "sync"

// A Subscription receives the events of a network without slowing it: events that do not
// fit into its queue are counted and dropped.
type Subscription struct {
	journal  *journal
	capacity int
	ready    chan struct{}

	mu      sync.Mutex // guards the fields below
	events  []Event
	dropped int
}

// Subscribe returns a subscription with a queue of the given capacity. It begins with the
// last events that [Box.Events] returns.
func (b *Box) Subscribe(capacity int) *Subscription {
	return b.sim.journal.subscribe(capacity)
}

// Ready returns a channel that receives a value when there are events to take.
func (s *Subscription) Ready() <-chan struct{} { return s.ready }

// Take returns the events since the last call and removes them from the queue. Dropped is
// the number of events that were dropped since the last call.
func (s *Subscription) Take() (events []Event, dropped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	events, dropped = s.events, s.dropped
	s.events, s.dropped = nil, 0
	return events, dropped
}

// Close ends the subscription. Take still returns the events in the queue.
func (s *Subscription) Close() { s.journal.unsubscribe(s) }

func (s *Subscription) push(e Event) {
	s.mu.Lock()
	if len(s.events) < s.capacity {
		s.events = append(s.events, e)
	} else {
		s.dropped++
	}
	s.mu.Unlock()
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

func (j *journal) subscribe(capacity int) *Subscription {
	s := &Subscription{journal: j, capacity: capacity, ready: make(chan struct{}, 1)}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.events[max(0, len(j.events)-capacity):] {
		s.push(e)
	}
	j.subscriptions = append(j.subscriptions, s)
	return s
}

func (j *journal) unsubscribe(s *Subscription) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, other := range j.subscriptions {
		if other == s {
			j.subscriptions = append(j.subscriptions[:i:i], j.subscriptions[i+1:]...)
			return
		}
	}
}
