package engine

import (
	"container/list"
	"strings"
	"time"
)

// A replyBudget is a part of the reply cache with bounds of its own. The share of one
// sender is a quarter of the entries and of the bytes.
type replyBudget struct {
	maxEntries, maxSize int
	maxAge              time.Duration // since the request was last found
	// strict limits each sender to its share: a reply that does not fit is kept without
	// its data. Otherwise a sender may exceed its share until the budget is used up;
	// then it loses its oldest replies first.
	strict bool

	order   list.List // of *cachedReply, least recently found first
	size    int       // of all data
	senders map[string]*share
	heavy   map[*share]struct{} // those above their share
}

// A share is what a budget holds for one sender.
type share struct {
	order list.List // of *cachedReply, least recently found first
	size  int       // of all data
	owed  int       // the same, including data that was not kept
}

// sharesOfBudget is how many senders can use up their shares at once.
const sharesOfBudget = 4

// senderOf returns the key of an entry's share: the sender, or the directory if it has
// no sender. It runs several times per request, so it does not validate the address.
func senderOf(e entry) string {
	if last := e.Dir[strings.LastIndexByte(e.Dir, '/')+1:]; strings.Contains(last, "@") {
		return last
	}
	return e.Dir
}

// add adds a reply and makes room for it by calling evict, which removes others. A reply
// larger than a share loses its data.
func (b *replyBudget) add(r *cachedReply, evict func(*cachedReply)) {
	sender := senderOf(r.entry)
	s := b.senders[sender]
	if s == nil {
		if b.senders == nil {
			b.senders, b.heavy = map[string]*share{}, map[*share]struct{}{}
		}
		s = &share{}
		b.senders[sender] = s
	}
	if r.size = len(r.data); r.size > b.maxSize/sharesOfBudget || b.strict && !b.hasRoom(s, r.size) {
		r.data = nil
	}
	r.budget, r.share = b, s
	r.inBudget, r.inShare = b.order.PushBack(r), s.order.PushBack(r)
	s.owed += r.size
	b.count(s, len(r.data))
	for b.strict && b.exceeds(s) {
		evict(oldest(&s.order))
	}
	for b.order.Len() > b.maxEntries || b.size > b.maxSize {
		evict(b.victim())
	}
}

// remove removes a reply.
func (b *replyBudget) remove(r *cachedReply) {
	b.order.Remove(r.inBudget)
	r.share.order.Remove(r.inShare)
	r.share.owed -= r.size
	b.count(r.share, -len(r.data))
	if r.share.order.Len() == 0 {
		delete(b.senders, senderOf(r.entry))
	}
}

// count adds size to a share, and updates heavy.
func (b *replyBudget) count(s *share, size int) {
	b.size += size
	s.size += size
	if b.exceeds(s) {
		b.heavy[s] = struct{}{}
	} else {
		delete(b.heavy, s)
	}
}

// exceeds reports whether a sender is above its share.
func (b *replyBudget) exceeds(s *share) bool {
	return s.order.Len() > b.maxEntries/sharesOfBudget || s.size > b.maxSize/sharesOfBudget
}

// victim returns the reply to evict when the budget is used up.
func (b *replyBudget) victim() *cachedReply {
	for s := range b.heavy {
		return oldest(&s.order)
	}
	return oldest(&b.order)
}

// hasRoom reports whether a sender's data fits without evicting any.
func (b *replyBudget) hasRoom(s *share, size int) bool {
	return b.size+size <= b.maxSize && s.size+size <= b.maxSize/sharesOfBudget
}

// half reports whether half of the entries or bytes are used: the rest is for the
// requests in flight.
func (b *replyBudget) half() bool {
	return b.order.Len() >= b.maxEntries/2 || b.size >= b.maxSize/2
}

// halfShare reports the same for one sender's share. Data that was not kept counts.
func (b *replyBudget) halfShare(sender string) (entries, bytes bool) {
	s := b.senders[sender]
	if s == nil {
		return false, false
	}
	return s.order.Len() >= b.maxEntries/sharesOfBudget/2, s.owed >= b.maxSize/sharesOfBudget/2
}

// oldest returns the reply whose request was not found for longest, or nil.
func oldest(order *list.List) *cachedReply {
	if front := order.Front(); front != nil {
		return front.Value.(*cachedReply)
	}
	return nil
}
