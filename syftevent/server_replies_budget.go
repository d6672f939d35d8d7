package syftevent

import (
	"container/list"
	"strings"
	"time"
)

// A ration is a part of the reply cache, with bounds of its own. A sender's share of it
// is a quarter of the entries and of the bytes.
type replyBudget struct {
	maxEntries, maxSize int
	maxAge              time.Duration // since the request was seen last
	// strict tells that a sender never has more than its share, and that an answer for
	// which there is no room is kept without its data. Otherwise a sender may have more
	// until there is no room for others; then it loses its oldest replies first.
	strict bool

	order   list.List // of *cachedReply, the longest unseen first
	size    int       // of all data
	senders map[string]*share
	heavy   map[*share]struct{} // those that have more than their share
}

// A share is what a ration holds for one sender.
type share struct {
	order list.List // of *cachedReply, the longest unseen first
	size  int       // of all data
	owed  int       // the same with the data that was not kept
}

// sharesOfBudget is how many senders may use up their shares at once.
const sharesOfBudget = 4

// senderOf tells whose share an answer counts for: the sender's, or that of the folder
// where it has no sender. It is called several times for each request, so it does not
// check the form of the address.
func senderOf(e entry) string {
	if last := e.Dir[strings.LastIndexByte(e.Dir, '/')+1:]; strings.Contains(last, "@") {
		return last
	}
	return e.Dir
}

// add puts an answer into the ration and makes room for it, by calling drop, which
// removes others. One that is larger than a share loses its data.
func (r *replyBudget) add(a *cachedReply, drop func(*cachedReply)) {
	sender := senderOf(a.entry)
	s := r.senders[sender]
	if s == nil {
		if r.senders == nil {
			r.senders, r.heavy = map[string]*share{}, map[*share]struct{}{}
		}
		s = &share{}
		r.senders[sender] = s
	}
	if a.size = len(a.data); a.size > r.maxSize/sharesOfBudget || r.strict && !r.hasRoom(s, a.size) {
		a.data = nil
	}
	a.in, a.share = r, s
	a.place, a.own = r.order.PushBack(a), s.order.PushBack(a)
	s.owed += a.size
	r.count(s, len(a.data))
	for r.strict && r.exceeds(s) {
		drop(oldest(&s.order))
	}
	for r.order.Len() > r.maxEntries || r.size > r.maxSize {
		drop(r.victim())
	}
}

// remove takes an answer out.
func (r *replyBudget) remove(a *cachedReply) {
	r.order.Remove(a.place)
	a.share.order.Remove(a.own)
	a.share.owed -= a.size
	r.count(a.share, -len(a.data))
	if a.share.order.Len() == 0 {
		delete(r.senders, senderOf(a.entry))
	}
}

// count notes a change of a share.
func (r *replyBudget) count(s *share, size int) {
	r.size += size
	s.size += size
	if r.exceeds(s) {
		r.heavy[s] = struct{}{}
	} else {
		delete(r.heavy, s)
	}
}

// exceeds reports whether a sender has more than its share.
func (r *replyBudget) exceeds(s *share) bool {
	return s.order.Len() > r.maxEntries/sharesOfBudget || s.size > r.maxSize/sharesOfBudget
}

// victim is the answer that is dropped when there is no room.
func (r *replyBudget) victim() *cachedReply {
	for s := range r.heavy {
		return oldest(&s.order)
	}
	return oldest(&r.order)
}

// hasRoom reports whether a sender's data can be added without dropping any.
func (r *replyBudget) hasRoom(s *share, size int) bool {
	return r.size+size <= r.maxSize && s.size+size <= r.maxSize/sharesOfBudget
}

// half reports whether there is no more room than for the handlers that run: half of the
// entries or of the bytes are used.
func (r *replyBudget) half() bool {
	return r.order.Len() >= r.maxEntries/2 || r.size >= r.maxSize/2
}

// halfShare is the same for the share of a sender. Data that was not kept counts.
func (r *replyBudget) halfShare(sender string) (entries, bytes bool) {
	s := r.senders[sender]
	if s == nil {
		return false, false
	}
	return s.order.Len() >= r.maxEntries/sharesOfBudget/2, s.owed >= r.maxSize/sharesOfBudget/2
}

// oldest is the answer of an order whose request was not seen for longest; nil for none.
func oldest(order *list.List) *cachedReply {
	if front := order.Front(); front != nil {
		return front.Value.(*cachedReply)
	}
	return nil
}
