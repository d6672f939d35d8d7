package mutantclient

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// pace is the time between two requests: SyftBox loses files that arrive in bursts.
const pace = 5 * time.Millisecond

// nextSend returns a channel that receives when the next request may be sent, or nil.
func (c *client) nextSend() <-chan time.Time {
	if len(c.queue) == 0 || !c.maySend(c.queue[0]) {
		return nil
	}
	if c.has("hasty") {
		return time.After(0)
	}
	return time.After(time.Until(c.lastSend.Add(pace)))
}

// sendNext sends the first request in the queue.
func (c *client) sendNext() {
	p := c.queue[0]
	c.queue = c.queue[1:]
	switch {
	case p.done:
		return
	case p.sent:
		c.resend(p)
	default:
		c.send(p)
	}
	c.lastSend = time.Now()
}

func (c *client) send(p *pending) {
	f := c.folder(p.dir)
	if !c.sharesRequest(f, p) {
		err := errors.Join(c.encode(p), c.lockFolder(f))
		if err == nil {
			err = c.publish(f, p)
		}
		if p.cached && errors.Is(err, fs.ErrExist) {
			c.queue = slices.Insert(c.queue, 0, p) // another process was faster
			return
		}
		if err != nil {
			c.deliver(p, failure("other", "send request: %v", err))
			return
		}
	}
	p.sent = true
	f.active[p.seq] = p
	c.inFlight++
	c.openForCall(f, p)
	c.nudgeIfDue(f, p)
}

// sharesRequest chooses the stem of a call, and reports whether it is that of a request that exists
// already.
func (c *client) sharesRequest(f *folder, p *pending) bool {
	if !p.cached || c.has("never-caches") {
		p.stem = c.newStem(f)
		return false
	}
	return c.shareCached(f, p)
}

// newStem returns a stem of which neither a request nor a response exists.
func (c *client) newStem(f *folder) string {
	for {
		stem := c.chooseStem(f)
		if c.has("counts-stems") || c.has("checks-requests") {
			return stem
		}
		if !exists(filepath.Join(f.dir, stem+requestSuffix)) && !exists(filepath.Join(f.dir, stem+responseSuffix)) {
			return stem
		}
	}
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// resendDelays are how long a request must be missing each time before it is sent again.
var resendDelays = []time.Duration{time.Second, 4 * time.Second, 16 * time.Second}

// checkMissing queues a request that is missing for too long. files are the files of its stem.
func (c *client) checkMissing(p *pending, files stemFiles) (result, bool) {
	if files.has(requestSuffix) {
		p.missingSince, p.conflicts = time.Time{}, files.conflicts()
		return result{}, false
	}
	if r, ok := c.givesUp(p); ok {
		return r, true
	}
	// After a conflict SyftBox brings the request back. With a response, even an incomplete one,
	// the request has done its work.
	conflict := files.conflicts() > p.conflicts && !c.has("resends-conflicts")
	if conflict || files.has(responseSuffix) {
		return result{}, false
	}
	if p.missingSince.IsZero() {
		p.missingSince = time.Now()
	}
	delay, ok := c.resendDelay(p)
	if ok && time.Since(p.missingSince) >= delay {
		p.missingSince = time.Time{}
		p.resends++
		c.queue = slices.Insert(c.queue, 0, p)
	}
	return result{}, false
}

// resend writes a request again, unless it or its response has come back meanwhile.
func (c *client) resend(p *pending) {
	f := c.folder(p.dir)
	if exists(filepath.Join(f.dir, p.responseName())) {
		return
	}
	if err := c.renew(p); err != nil {
		c.log.Error("resend request failed", "err", err)
		return
	}
	err := c.publish(f, p)
	switch {
	case err == nil:
		p.nudged = false
		c.nudgeIfDue(f, p)
	case !errors.Is(err, fs.ErrExist):
		c.log.Error("resend request failed", "err", err)
	}
}
