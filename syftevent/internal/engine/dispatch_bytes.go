package engine

import "github.com/syftevent/syftevent-go/syftevent/internal/rootfs"

// Large requests hold bytes of a budget while they are read, decoded and handled. This
// bounds the memory of a server. Small requests need none: the number of handlers bounds
// them.
const (
	// smallRequest is the size in bytes of the largest request that needs none.
	smallRequest = 16 << 10
	// minByteBudget is the budget, unless Options.MaxSize requires more.
	minByteBudget = 64 << 20
	// bytesPerByte is what a request needs per byte of its size: the file and its decoded form,
	// then the latter and the encoded response.
	bytesPerByte = 2
)

// byteBudget returns the budget for a request size limit: one request of that size fits.
// Without a limit, a request larger than the budget runs alone.
func byteBudget(maxSize int64) int64 {
	if maxSize >= rootfs.Unlimited {
		return minByteBudget
	}
	return max(minByteBudget, bytesPerByte*maxSize)
}

// takeBytes takes what a request of a size needs from the budget. If it does not fit, it
// parks the request and returns false: the caller must return, and the request runs again
// once it holds its bytes. One sender has at most half of the budget, or one request.
func (d *dispatcher) takeBytes(w *work, size int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	need := d.limits.bytes
	if size < need/bytesPerByte {
		need = bytesPerByte * size
	}
	s := d.senders[w.location.sender]
	if d.fits(s, need) {
		w.bytes = need
		d.hold(s, need)
		return true
	}
	if !d.stopped {
		parked := *w
		parked.bytes = need
		s.parked = append(s.parked, parked)
		d.parked++
		d.enqueued(s)
		d.starve(s)
	}
	w.parked = true
	return false
}

// fits reports whether a sender may take need bytes. d.mu is held.
func (d *dispatcher) fits(s *sender, need int64) bool {
	if s.bytes > 0 && s.bytes+need > d.limits.bytes/2 {
		return false
	}
	kept := int64(0)
	if d.starved != nil && d.starved != s {
		kept = d.starved.parked[0].bytes
	}
	return d.bytes+need+kept <= d.limits.bytes
}

// starve reserves bytes for the first parked request of a sender that holds none.
// Otherwise the smaller requests of others would take whatever comes free before the large
// one fits. d.mu is held.
func (d *dispatcher) starve(s *sender) {
	if d.starved == nil && s.bytes == 0 {
		d.starved = s
	}
}

// hold adds bytes, which may be negative, to what a sender holds. d.mu is held.
func (d *dispatcher) hold(s *sender, bytes int64) {
	s.bytes += bytes
	d.bytes += bytes
	if bytes > 0 && d.starved == s {
		d.starved = nil
	}
}
