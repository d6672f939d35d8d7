package syftevent

import (
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A location is what the folder of a request says about it.
type location struct {
	endpoint string // as cleanEndpoint gives it
	sender   string // "" for a request of the older layout
}

// addressPattern is the form of a sender's folder: what may be an e-mail
// address, wider than what the peers accept in a URL.
var addressPattern = regexp.MustCompile(`^[^\s@/]+@[^\s@/]+\.[^\s@/]+$`)

// seemsAddress reports whether the name of a folder has that form; isAddress reports
// whether the folder is a sender's.
func seemsAddress(name string) bool {
	return strings.IndexByte(name, '@') > 0 && addressPattern.MatchString(name)
}

// maxAddress is the length in bytes of the longest e-mail address, by RFC 5321.
const maxAddress = 254

// isAddress reports whether a name is an e-mail address that a handler may be given:
// all of it can be seen. With a zero-width character in it, say, it would pass for
// another's address.
func isAddress(name string) bool {
	return len(name) <= maxAddress && utf8.ValidString(name) &&
		!strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".") &&
		!strings.ContainsFunc(name, isUnseen) && seemsAddress(name)
}

// isUnseen reports whether a character is not one of those that can be seen in an
// address: a control, a space, one that only directs how others are shown, or one
// without a meaning. The backslash is among them, because SyftBox makes it a slash.
func isUnseen(r rune) bool {
	if r < utf8.RuneSelf {
		return r <= ' ' || r == 0x7f || r == '\\'
	}
	return !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// locate tells whose request lies in a folder of "rpc". The last folder
// decides: an address is the sender's, and all before it is the endpoint.
// Otherwise a registered endpoint holds requests of the older layout, which
// knew no folders of senders; a request anywhere else is nobody's, as is one in a
// folder that only passes for a sender's.
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

// leadsTo reports whether the URL is that of an endpoint of an app in a
// datasite. Query and fragment do not matter, and the path may have its
// characters %-escaped or not.
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

// requestSuffix and responseSuffix end the names of the files.
const (
	requestSuffix  = ".request"
	responseSuffix = ".response"
)

// isMarker reports whether a file with the suffix of a request is none: hidden,
// or marked by SyftBox.
func isMarker(name string) bool { return strings.HasPrefix(name, ".") || isMarked(name) }

// isMarked reports whether SyftBox has renamed a file when it refused it or found
// it in conflict. It puts the marker before the last extension, with a time
// behind it when one is there already; the older form has no dots.
func isMarked(name string) bool {
	return isRejected(name) || strings.Contains(name, ".conflict.") || strings.Contains(name, "syftconflict")
}

// isRejected reports whether SyftBox renamed a file when it refused it.
func isRejected(name string) bool {
	return strings.Contains(name, ".rejected.") || strings.Contains(name, "syftrejected")
}

// orphanOf returns the stem of the request to which a file belongs, and whether the file
// may be removed when the request is gone: a response, or what SyftBox made of a
// request or a response that it found in conflict. What it rejected stays, to show that
// the permissions are wrong.
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
