package syftevent

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// A URL is the address of a file or an endpoint in someone's datasite:
//
//	syft://bob@example.com/app_data/calculator/rpc/add?precise=1#top
//
// Its parts are kept as they were written; nothing is %-decoded, because the
// path names folders as they are.
type URL struct {
	// Datasite is the e-mail address of whoever owns the datasite.
	Datasite string
	// Path is empty or begins with a slash.
	Path string
	// Query is what follows the first "?", without it.
	Query string
	// Fragment is what follows "#", without it.
	Fragment string
}

const scheme = "syft://"

// The peers read an address with this expression.
var datasitePattern = regexp.MustCompile(`^[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+$`)

// ParseURL parses "syft://<e-mail address>/<path>?<query>#<fragment>", of which
// only the address must be there.
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
// "calculator", "/add"). The endpoint's leading slash may be left out.
func MakeURL(datasite, app, endpoint string) (URL, error) {
	if err := checkAppName(app); err != nil {
		return URL{}, err
	}
	u, err := ParseURL(scheme + datasite + "/app_data/" + app + "/rpc" + cleanEndpoint(endpoint))
	if err != nil {
		return URL{}, err
	}
	if _, err := u.segments(); err != nil {
		return URL{}, err
	}
	return u, nil
}

// String gives the URL as [ParseURL] reads it. A "?" or "#" with nothing behind
// it is not kept.
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

// App returns the name of the app that the URL leads to, "" unless its path
// begins with "/app_data/<app>".
func (u URL) App() string {
	app, _ := u.split()
	return app
}

// Endpoint returns the endpoint that the URL leads to: "/add" for
// "/app_data/calculator/rpc/add", "/" for the app's "rpc" folder itself, and ""
// for a path that is not below one. A trailing slash and doubled ones are
// dropped.
func (u URL) Endpoint() string {
	_, endpoint := u.split()
	return endpoint
}

func (u URL) split() (app, endpoint string) {
	parts := strings.SplitN(strings.TrimLeft(cleanEndpoint(u.Path), "/"), "/", 4)
	if len(parts) < 2 || parts[0] != "app_data" {
		return "", ""
	}
	if len(parts) < 3 || parts[2] != "rpc" {
		return parts[1], ""
	}
	return parts[1], cleanEndpoint(strings.Join(parts[3:], "/"))
}

// LocalPath returns where the URL leads in the folder that holds the datasites.
// A URL that would leave that folder is an error.
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

// segments are the names of the path's folders.
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

// cleanEndpoint gives an endpoint its one form: a leading slash, none at the
// end, none doubled. The root is "/".
func cleanEndpoint(endpoint string) string {
	var b strings.Builder
	for segment := range strings.SplitSeq(endpoint, "/") {
		if segment != "" {
			b.WriteByte('/')
			b.WriteString(segment)
		}
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

// splitEndpoint gives the segments of an endpoint, none for that of "/".
func splitEndpoint(endpoint string) []string {
	if trimmed := strings.TrimPrefix(cleanEndpoint(endpoint), "/"); trimmed != "" {
		return strings.Split(trimmed, "/")
	}
	return nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }
