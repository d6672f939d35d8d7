package syftevent

import (
	"net/url"
	"path"
	"regexp"
	"strings"
)

// A location is what the folder of a request says about it.
type location struct {
	endpoint string // as cleanEndpoint gives it
	sender   string // "" for a request of the older layout
}

// addressPattern is the form of a sender's folder: what may be an e-mail
// address, wider than what the peers accept in a URL.
var addressPattern = regexp.MustCompile(`^[^\s@/]+@[^\s@/]+\.[^\s@/]+$`)

// locate tells whose request lies in a folder of "rpc". The last folder
// decides: an address is the sender's, and all before it is the endpoint.
// Otherwise a registered endpoint holds requests of the older layout, which
// knew no folders of senders; a request anywhere else is nobody's.
func locate(dir string, registered func(endpoint string) bool) (location, bool) {
	parent, last := path.Split(dir)
	if addressPattern.MatchString(last) {
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
	return strings.Contains(name, ".rejected.") || strings.Contains(name, ".conflict.") ||
		strings.Contains(name, "syftrejected") || strings.Contains(name, "syftconflict")
}
