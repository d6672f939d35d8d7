package protocol

// ValidStatus reports whether a status is one of the 64 that the Python package knows.
// Its clients reject a response with any other.
func ValidStatus(code int) bool {
	for _, span := range statuses {
		if span.first <= code && code <= span.last {
			return true
		}
	}
	return false
}

var statuses = []struct{ first, last int }{
	{100, 103}, {200, 208}, {226, 226}, {300, 305}, {307, 308}, {400, 419},
	{421, 426}, {428, 429}, {431, 431}, {451, 451}, {499, 499}, {500, 508},
	{510, 511},
}
