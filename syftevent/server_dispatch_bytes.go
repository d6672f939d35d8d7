package syftevent

// Large requests hold bytes of a budget while they are read, decoded and handled, so
// that the memory of a server is bounded whatever senders send. Small ones do not:
// there are no more of them at once than handlers.
const (
	// smallRequest is the size in bytes of the largest request that holds none.
	smallRequest = 16 << 10
	// minByteBudget is the budget unless [Server.MaxRequestSize] needs more.
	minByteBudget = 64 << 20
	// bytesPerByte is what a request of a byte holds: the file and what is decoded
	// from it, then that and the response that is encoded.
	bytesPerByte = 2
)

// byteBudget returns the budget for a limit on the size of requests, of which one
// always fits. One without a limit may be larger, and runs alone.
func byteBudget(maxSize int64) int64 {
	if maxSize >= unlimited {
		return minByteBudget
	}
	return max(minByteBudget, bytesPerByte*maxSize)
}

// takeBytes takes what a running request of a size needs of the budget. Without
// enough left it parks the request, which then must not go on: it will be run anew
// with the bytes held. One sender has at most half of the budget, or one request.
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

// fits reports whether a sender may have so many more bytes. d.mu is held.
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

// starve notes that the first parked request of a sender does not fit. What it needs is
// kept for the first sender that holds nothing: the smaller requests of others would
// take whatever comes free before its large one fits. d.mu is held.
func (d *dispatcher) starve(s *sender) {
	if d.starved == nil && s.bytes == 0 {
		d.starved = s
	}
}

// hold notes that requests of a sender hold more bytes, or fewer. d.mu is held.
func (d *dispatcher) hold(s *sender, bytes int64) {
	s.bytes += bytes
	d.bytes += bytes
	if bytes > 0 && d.starved == s {
		d.starved = nil
	}
}
