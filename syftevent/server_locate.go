package syftevent

import (
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A location is what the directory of a request says about it.
type location struct {
	endpoint string // as cleanEndpoint gives it
	sender   string // "" in the legacy layout
}

// addressPattern is the form of a sender's directory: anything that may be an e-mail
// address. It is wider than what peers accept in a URL.
var addressPattern = regexp.MustCompile(`^[^\s@/]+@[^\s@/]+\.[^\s@/]+$`)

// seemsAddress reports whether a directory's name has that form. isAddress is stricter: it
// reports whether the directory is a sender's.
func seemsAddress(name string) bool {
	return strings.IndexByte(name, '@') > 0 && addressPattern.MatchString(name)
}

// maxAddress is the length in bytes of the longest e-mail address, from RFC 5321.
const maxAddress = 254

// isAddress reports whether a name is an e-mail address that a handler may get: all of it
// is visible. A name with a zero-width character could pass for another sender's address.
func isAddress(name string) bool {
	return len(name) <= maxAddress && utf8.ValidString(name) &&
		!strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".") &&
		!strings.ContainsFunc(name, isUnseen) && seemsAddress(name)
}

// isUnseen reports whether a character is invisible in an address: a control, a space, a
// formatting character or an unassigned one. The backslash is included because SyftBox
// turns it into a slash.
func isUnseen(r rune) bool {
	if r < utf8.RuneSelf {
		return r <= ' ' || r == 0x7f || r == '\\'
	}
	return !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// locate returns the endpoint and sender of the requests in a directory below "rpc". If
// the last element is an address, it is the sender, and the rest is the endpoint. Otherwise
// the directory of a registered endpoint holds requests of the legacy layout, which has no
// sender directories. Requests elsewhere, or below a name that only resembles an address,
// belong to nobody.
func locate(dir string, registered func(endpoint string) bool) (location, bool) {
	parent, last := path.Split(dir)
	if seemsAddress(last) {
		if !isAddress(last) {
			return location{}, false
		}
		return location{endpoint: cleanEndpoint(parent), sender: last}, true
	}
	if dir == "." {
		dir = ""
	}
	endpoint := cleanEndpoint(dir)
	if registered(endpoint) {
		return location{endpoint: endpoint}, true
	}
	return location{}, false
}

// leadsTo reports whether the URL is that of an endpoint of an app in a datasite. It
// ignores query and fragment, and accepts %-escapes in the path.
func (u URL) leadsTo(datasite, app, endpoint string) bool {
	if u.Datasite != datasite {
		return false
	}
	if u.App() == app && u.Endpoint() == endpoint {
		return true
	}
	unescaped, err := url.PathUnescape(u.Path)
	plain := URL{Datasite: u.Datasite, Path: unescaped}
	return err == nil && plain.App() == app && plain.Endpoint() == endpoint
}

// requestSuffix and responseSuffix are the suffixes of the files.
const (
	requestSuffix  = ".request"
	responseSuffix = ".response"
)

// isMarker reports whether a file with the suffix of a request is not one: it is hidden,
// or was renamed by SyftBox.
func isMarker(name string) bool { return strings.HasPrefix(name, ".") || isMarked(name) }

// isMarked reports whether SyftBox renamed a file because it rejected it or found it in
// conflict. SyftBox puts the marker before the extension, followed by a time if that name
// is taken. The old form has no dots.
func isMarked(name string) bool {
	return isRejected(name) || strings.Contains(name, ".conflict.") || strings.Contains(name, "syftconflict")
}

// isRejected reports whether SyftBox renamed a file because it rejected it.
func isRejected(name string) bool {
	return strings.Contains(name, ".rejected.") || strings.Contains(name, "syftrejected")
}

// orphanOf returns the stem of the request to which a file belongs, and whether the file
// may be removed once that request is gone: a response, or a request or response that
// SyftBox found in conflict. Rejected files stay: they show that the permissions are wrong.
func orphanOf(name string) (stem string, ok bool) {
	if strings.HasPrefix(name, ".") {
		return "", false
	}
	for _, suffix := range []string{requestSuffix, responseSuffix} {
		if stem, ok := idOf(name, suffix); ok {
			return stem, !isMarked(stem + suffix)
		}
	}
	return "", false
}
