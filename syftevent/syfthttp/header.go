package syfthttp

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/syftevent/syftevent-go/syftevent"
)

// hopByHop are the headers of a connection (RFC 9110, section 7.6.1, and RFC 2616, section
// 13.5.1).
var hopByHop = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// readHeaders returns the headers of a file as those of HTTP, without those of a connection and
// those for which drop returns true. Names that differ only in case are one header with several
// values.
func readHeaders(headers syftevent.Headers, drop func(name string) bool) (http.Header, error) {
	h := http.Header{}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		value := headers[name]
		switch {
		case !isToken(name):
			return nil, fmt.Errorf("invalid header name %.100q", name)
		case !isHeaderValue(value):
			return nil, fmt.Errorf("invalid value of header %s: %.100q", name, value)
		case !drop(name):
			h.Add(name, strings.Trim(value, " \t"))
		}
	}
	dropConnection(h)
	return h, nil
}

// writeHeaders returns headers of HTTP as those of a file, without those of a connection, which it
// removes from h.
func writeHeaders(h http.Header) syftevent.Headers {
	dropConnection(h)
	headers := syftevent.Headers{}
	for name, values := range h {
		separator := ", "
		if http.CanonicalHeaderKey(name) == "Cookie" {
			separator = "; "
		}
		if len(values) > 0 {
			headers[name] = strings.TrimSpace(oneLine.Replace(strings.Join(values, separator)))
		}
	}
	return headers
}

// oneLine keeps a value from beginning another header, as in net/http.
var oneLine = strings.NewReplacer("\n", " ", "\r", " ")

// dropConnection removes the headers of a connection, also those that Connection names.
func dropConnection(h http.Header) {
	for name, values := range h {
		if !strings.EqualFold(name, "Connection") {
			continue
		}
		for other := range strings.SplitSeq(strings.Join(values, ","), ",") {
			remove(h, strings.TrimSpace(other))
		}
	}
	remove(h, hopByHop...)
}

// remove removes headers, also those whose names are not in canonical form.
func remove(h http.Header, names ...string) {
	for name := range h {
		if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			delete(h, name)
		}
	}
}

// isToken reports whether s is a token, as methods and names of headers are (RFC 9110, section
// 5.6.2).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		return !alphanumeric && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
	})
}

// isHeaderValue reports whether s has no control characters but tabs (RFC 9110, section 5.5).
func isHeaderValue(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f })
}
