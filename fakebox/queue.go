package fakebox

import "time"

// A queue of messages of which one is served at a time. It is computed, not run:
// which message finds it full depends on the times of the messages and on nothing
// that this machine does meanwhile.
type queue struct {
	slots       int
	send, serve time.Duration

	arrived time.Time   // when the last message did
	free    time.Time   // when all that waits will have been served
	begins  []time.Time // when each message that may still wait is taken from the queue
}

// arrive adds a message that was ready at a time, and returns when it has been
// served; false if the queue was full.
func (q *queue) arrive(ready time.Time) (served time.Time, ok bool) {
	// One is sent after the other.
	if earliest := q.arrived.Add(q.send); ready.Before(earliest) {
		ready = earliest
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
