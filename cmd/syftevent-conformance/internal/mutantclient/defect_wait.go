package mutantclient

import (
	"os"
	"time"
)

// acceptIncomplete returns the result that a defect makes of an incomplete response.
func (c *client) acceptIncomplete(name string, p *pending, data []byte) (result, bool) {
	switch {
	case c.has("half-fails"):
		return failure("bad-response", "response is incomplete"), true
	case c.has("half-is-500"):
		return result{status: 500}, true
	case c.has("removes-half"):
		os.Remove(name)
	case c.has("empty-is-success") && len(data) == 0:
		p.response.whole = true
		return result{status: 200}, true
	}
	return result{}, false
}

// deadline returns when a call has expired.
func (c *client) deadline(p *pending) time.Time {
	switch {
	case c.has("expires-early"):
		return p.expires.Add(-time.Second)
	case c.has("five-seconds"):
		if limit := p.sentAt.Add(5 * time.Second); limit.Before(p.expires) {
			return limit
		}
	case c.has("waits-forever"):
		return p.expires.AddDate(1, 0, 0)
	case c.has("expires-late"):
		return p.expires.Add(10 * time.Second)
	}
	return p.expires
}

// keepsRequest reports whether a defect leaves the files of a call.
func (c *client) keepsRequest(r result) bool {
	return c.has("leaves-expired") && r.reason == "expired"
}

// givesUp returns the result that a defect has for a call whose request is missing.
func (c *client) givesUp(p *pending) (result, bool) {
	if c.has("gives-up-missing") || c.has("gives-up-second") && p.resends > 0 {
		return failure("not-found", "request has disappeared"), true
	}
	return result{}, false
}

// resendDelay returns how long a request must be missing before it is sent again, if at all.
func (c *client) resendDelay(p *pending) (time.Duration, bool) {
	switch {
	case c.has("never-resends"), c.has("resends-once") && p.resends > 0:
		return 0, false
	case c.has("resends-hastily"):
		return 0, true
	case p.resends < len(resendDelays):
		return resendDelays[p.resends], true
	}
	return 0, false
}

// renew changes a request before it is sent again.
func (c *client) renew(p *pending) error {
	p.sentAt = time.Now()
	switch {
	case c.has("fresh-id"):
		p.stem = newUUID()
	case !c.has("fresh-bytes"):
		return nil
	}
	return c.encodeAt(p, time.Now().UTC())
}

// isBlocked reports whether a rejected call blocks all others.
func (c *client) isBlocked() bool { return c.has("rejection-blocks") && c.blocked }

// staysOpen reports whether a call with a result still counts as open.
func (c *client) staysOpen(r result) bool {
	if r.reason == "rejected" {
		c.blocked = true
	}
	return c.has("rejected-stays") && r.reason == "rejected" || c.has("expired-stays") && r.reason == "expired"
}

// deliverInOrder holds a result back until all earlier calls have theirs.
func (c *client) deliverInOrder(p *pending, r result) {
	if c.held == nil {
		c.held = map[int]heldResult{}
	}
	c.held[p.seq] = heldResult{p, r}
	for {
		due, ok := c.held[c.next]
		if !ok {
			return
		}
		delete(c.held, c.next)
		c.next++
		c.print(due.pending, due.result)
	}
}
