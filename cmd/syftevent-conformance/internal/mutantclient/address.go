package mutantclient

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// An address is what the url of a call names.
type address struct {
	datasite, app string
	endpoint      []string // its segments, without percent escapes
}

// scheme begins every url.
const scheme = "syft://"

// maxName is the length of a name in bytes to which SyftBox can append its suffix.
const maxName = 235

// parseURL reads syft://<datasite>/app_data/<app>/rpc/<endpoint>. Each segment becomes the
// name of a directory, so it must be one name.
func (c *client) parseURL(text string) (address, error) {
	rest, ok := strings.CutPrefix(text, scheme)
	if !ok {
		return address{}, fmt.Errorf("url does not begin with %s", scheme)
	}
	if !c.has("query-in-folder") {
		rest = withoutQuery(rest)
	}
	segments := strings.Split(rest, "/")
	for i, raw := range segments {
		segment, err := url.PathUnescape(raw)
		if err != nil {
			return address{}, fmt.Errorf("parse url: %w", err)
		}
		segments[i] = segment
		if c.has("decodes-late") {
			segment = raw
		}
		unchecked := c.has("unchecked-url") || c.has("unchecked-app") && i < 3
		if !isName(segment) && !unchecked {
			return address{}, fmt.Errorf("segment %q of the url is not the name of a folder", segment)
		}
	}
	if len(segments) < 5 || segments[1] != "app_data" || segments[3] != "rpc" {
		return address{}, fmt.Errorf("url is not %s<datasite>/app_data/<app>/rpc/<endpoint>", scheme)
	}
	if local, domain, ok := strings.Cut(segments[0], "@"); !ok || local == "" || domain == "" || strings.Contains(domain, "@") {
		return address{}, errors.New("datasite in the url is not an e-mail address")
	}
	return address{datasite: segments[0], app: segments[2], endpoint: segments[4:]}, nil
}

// isName reports whether a text can be the name of one directory on every system.
func isName(text string) bool {
	return text != "" && text != "." && text != ".." && len(text) <= maxName && !strings.ContainsAny(text, "/\\\x00")
}

func withoutQuery(text string) string {
	if i := strings.IndexAny(text, "?#"); i >= 0 {
		return text[:i]
	}
	return text
}

// folderOf returns the client's own folder of an endpoint.
func (c *client) folderOf(a address) string {
	endpoint := filepath.Join(a.endpoint...)
	switch {
	case c.has("config-app"):
		a.app = c.app
	case c.has("last-segment"):
		endpoint = filepath.Base(endpoint)
	case c.has("lower-folder"):
		endpoint = strings.ToLower(endpoint)
	}
	folder := filepath.Join(c.datasites, a.datasite, "app_data", a.app, "rpc", endpoint)
	if c.has("endpoint-folder") {
		return folder
	}
	return filepath.Join(folder, c.email)
}

// sameEndpoint reports whether two urls name the same endpoint (SPEC.md, section 6).
func (d defect) sameEndpoint(a, b string) bool {
	a, b = normalize(a), normalize(b)
	switch {
	case d.has("any-response-url"):
		return true
	case d.has("exact-case"):
		return a == b
	case d.has("url-beginning"):
		return strings.HasPrefix(strings.ToLower(a), strings.ToLower(b))
	}
	return strings.EqualFold(a, b)
}

// normalize removes the query, the fragment, superfluous slashes and percent escapes.
func normalize(text string) string {
	text = withoutQuery(text)
	if len(text) < len(scheme) || !strings.EqualFold(text[:len(scheme)], scheme) {
		return text
	}
	var segments []string
	for segment := range strings.SplitSeq(text[len(scheme):], "/") {
		if segment == "" {
			continue
		}
		if plain, err := url.PathUnescape(segment); err == nil {
			segment = plain
		}
		segments = append(segments, segment)
	}
	return scheme + strings.Join(segments, "/")
}
