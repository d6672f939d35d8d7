package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/syftevent/syftevent-go/syftevent/internal/lease"
)

// Where locks may not reach other hosts, as on NFSv3 mounted with nolock, the one server of an
// app also has a lease, and leads. A server on another host finds its heartbeat and does not
// start. After a crash the next server waits for the timeout, unless the process is known to have
// ended.

// waitToServeAlone waits until this server leads and no other one is alive.
func (t *workers) waitToServeAlone(starting context.Context) error {
	return t.wait(starting, func() (lease.Observed, bool) {
		leads := t.tryLead()
		if c := t.leader.Load(); !leads && c != nil {
			o, known := t.observer.Find(c.Holder)
			if !known {
				o.Beat.Name = c.Holder // until it is read, or dead
			}
			return o, true
		}
		for _, o := range t.observer.All() {
			if t.conflicts(o) && (o.Beat.State != lease.Starting || !leads) {
				return o, true
			}
		}
		if leads {
			t.forgetDead()
		}
		return lease.Observed{}, false
	})
}

// forgetDead removes the heartbeats of servers that have ended.
func (t *workers) forgetDead() {
	for _, o := range t.observer.All() {
		if !o.Alive {
			t.dir.Forget(o.Beat.Name)
			t.observer.Drop(o.Beat.Name)
		}
	}
}

// checkAlone stops a server that was taken for dead and whose app another one serves by now.
func (t *workers) checkAlone() {
	s, c, l := t.server, t.leader.Load(), t.holder.Current()
	if c == nil || !t.serving.Load() || t.resigned.Load() {
		return
	}
	if c.Holder == l.Name && t.dir.Leads(*c) {
		return
	}
	if c.Holder != l.Name && t.tryLead() {
		return // its lease has lapsed, but nobody has taken its place
	}
	if c.Holder == l.Name {
		t.tryLead() // finds out who leads
	}
	name := t.leader.Load().Holder
	if name == l.Name {
		return
	}
	o, known := t.observer.Find(name)
	holder := name
	if known {
		holder = describeHolder(o)
	}
	err := fmt.Errorf("%w: %s (%s)", ErrAppServed, holder, t.dir)
	s.logger.Error("syftevent: app lost to another server, stopping", "path", string(t.dir), "err", err)
	s.stopWith(err)
}

// mayBegin reports whether a server that is alone may begin a request: not after it was
// suspended, until it has checked that it still leads.
func (t *workers) mayBegin(now time.Time) bool {
	return t.holder.At(now).Sub(*t.beaten.Load()) < t.timeout/2
}
