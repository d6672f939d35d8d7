package syftevent

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// A URL is the address of a file or an endpoint in someone's datasite:
//
//	syft://bob@example.com/app_data/calculator/rpc/add?precise=1#top
//
// Its parts are kept as they are written. Nothing is %-decoded, because the path names
// folders as they are; see also [Request.URL].
type URL struct {
	// Datasite is the e-mail address of the owner of the datasite.
	Datasite string
	// Path is empty or begins with a slash.
	Path string
	// Query is the part after the first "?" and before the "#". [net/url.ParseQuery] decodes
	// it.
	Query string
	// Fragment is the part after "#".
	Fragment string
}

const scheme = "syft://"

// datasitePattern is the expression with which the peers parse an address.
var datasitePattern = regexp.MustCompile(`^[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+$`)

// ParseURL parses "syft://<e-mail address>/<path>?<query>#<fragment>". Only the address is
// required; a query or a fragment requires a path, at least "/".
func ParseURL(s string) (URL, error) {
	bad := func(reason string) (URL, error) {
		return URL{}, fmt.Errorf("syftevent: bad URL %q: %s", s, reason)
	}
	rest, ok := strings.CutPrefix(s, scheme)
	if !ok {
		return bad("must begin with " + scheme)
	}
	if strings.ContainsFunc(s, isControl) {
		return bad("has a control character")
	}
	u := URL{Datasite: rest}
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		u.Datasite, u.Path = rest[:slash], rest[slash:]
	}
	if !datasitePattern.MatchString(u.Datasite) {
		return bad("must have an e-mail address after " + scheme)
	}
	u.Path, u.Fragment, _ = strings.Cut(u.Path, "#")
	u.Path, u.Query, _ = strings.Cut(u.Path, "?")
	return u, nil
}

// MakeURL returns the URL of an endpoint of an app: MakeURL("bob@example.com",
// "calculator", "/add"). The leading slash of the endpoint is optional; a "?" or "#" in it
// begins the query or the fragment. It escapes nothing: encode a query with
// [net/url.Values.Encode], and do not put text that others choose into the path (see
// [Router]). It returns an error if an argument is invalid.
// [NewRequest] and [Client.Broadcast] take the URL as text: see [URL.String].
func MakeURL(datasite, app, endpoint string) (URL, error) {
	if err := checkAppName(app); err != nil {
		return URL{}, err
	}
	if !datasitePattern.MatchString(datasite) {
		return URL{}, fmt.Errorf("syftevent: bad datasite %q: must be an e-mail address", datasite)
	}
	path, rest := endpoint, ""
	if end := strings.IndexAny(endpoint, "?#"); end >= 0 {
		path, rest = endpoint[:end], endpoint[end:]
	}
	u, err := ParseURL(scheme + datasite + "/app_data/" + app + "/rpc" + protocol.CleanEndpoint(path) + rest)
	if err != nil {
		return URL{}, err
	}
	if _, err := u.segments(); err != nil {
		return URL{}, err
	}
	return u, nil
}

// String returns the URL in the form that [ParseURL] parses, without an empty query or
// fragment.
func (u URL) String() string {
	s := scheme + u.Datasite + u.Path
	if u.Query != "" {
		s += "?" + u.Query
	}
	if u.Fragment != "" {
		s += "#" + u.Fragment
	}
	return s
}

// App returns the name of the app, or "" if the path does not begin with
// "/app_data/<app>".
func (u URL) App() string {
	app, _ := u.split()
	return app
}

// Endpoint returns the endpoint: "/add" for the path "/app_data/calculator/rpc/add",
// "/" for the app's "rpc" folder itself, and "" for a path outside of one. Trailing and
// repeated slashes are dropped.
func (u URL) Endpoint() string {
	_, endpoint := u.split()
	return endpoint
}

func (u URL) split() (app, endpoint string) {
	parts := strings.SplitN(strings.TrimLeft(protocol.CleanEndpoint(u.Path), "/"), "/", 4)
	if len(parts) < 2 || parts[0] != "app_data" {
		return "", ""
	}
	if len(parts) < 3 || parts[2] != "rpc" {
		return parts[1], ""
	}
	return parts[1], protocol.CleanEndpoint(strings.Join(parts[3:], "/"))
}

// LocalPath returns the path of the file or folder below datasites, the folder that holds all
// datasites. It returns an error if the URL has a "." or ".." segment or a NUL character, or
// leads out of datasites.
func (u URL) LocalPath(datasites string) (string, error) {
	segments, err := u.segments()
	if err != nil {
		return "", err
	}
	local := filepath.FromSlash(strings.Join(append([]string{u.Datasite}, segments...), "/"))
	if !filepath.IsLocal(local) {
		return "", fmt.Errorf("syftevent: URL %q leads out of the datasites folder", u)
	}
	return filepath.Join(datasites, local), nil
}

// segments returns the segments of the path.
func (u URL) segments() ([]string, error) {
	var segments []string
	for segment := range strings.SplitSeq(u.Path, "/") {
		switch {
		case segment == "":
		case segment == "." || segment == "..":
			return nil, fmt.Errorf("syftevent: URL %q must not have the segment %q", u, segment)
		case strings.ContainsRune(segment, 0):
			return nil, fmt.Errorf("syftevent: URL %q has a NUL character", u)
		default:
			segments = append(segments, segment)
		}
	}
	return segments, nil
}

// checkURL returns an error if a request's URL is not that of an endpoint of an app in a
// datasite. [identity-url]
func checkURL(s, datasite, app, endpoint string) error {
	u, err := ParseURL(s)
	if err != nil {
		return errors.New("must be a syft:// address")
	}
	if _, ok := u.resolve(app, endpoint); !ok || u.Datasite != datasite {
		return errors.New("must lead to the endpoint in whose folder the request lies")
	}
	return nil
}

// resolve reports whether the path is that of an endpoint of an app. If it is only without
// its %-escapes, the result has none.
func (u URL) resolve(app, endpoint string) (resolved URL, ok bool) {
	if u.App() == app && u.Endpoint() == endpoint {
		return u, true
	}
	plain := u
	var err error
	plain.Path, err = url.PathUnescape(u.Path)
	if err != nil || plain.App() != app || plain.Endpoint() != endpoint {
		return u, false
	}
	return plain, true
}

// splitEndpoint returns the segments of an endpoint, none for "/".
func splitEndpoint(endpoint string) []string {
	if trimmed := strings.TrimPrefix(protocol.CleanEndpoint(endpoint), "/"); trimmed != "" {
		return strings.Split(trimmed, "/")
	}
	return nil
}
