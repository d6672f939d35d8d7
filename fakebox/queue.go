package fakebox

import "time"

// A queue models a queue of messages that are handled one at a time. Its state is
// computed from the times of the messages: which message finds it full does not depend
// on the load of this machine.
type queue struct {
	slots       int
	send, serve time.Duration

	arrived time.Time   // when the last message arrived
	free    time.Time   // when all queued messages are handled
	begins  []time.Time // when the handling of each queued message begins
}

// arrive adds a message that was ready at the given time. It returns when the message
// has been handled, or false if the queue is full.
func (q *queue) arrive(ready time.Time) (served time.Time, ok bool) {
	if earliest := q.arrived.Add(q.send); ready.Before(earliest) {
		ready = earliest // messages are sent one after the other
	}
	q.arrived = ready
	for len(q.begins) > 0 && !q.begins[0].After(ready) {
		q.begins = q.begins[1:]
	}
	if len(q.begins) >= q.slots {
		return time.Time{}, false
	}
	begin := q.free
	if begin.Before(ready) {
		begin = ready
	}
	q.begins = append(q.begins, begin)
	q.free = begin.Add(q.serve)
	return q.free, true
}
