package main

import (
	"net/url"
	"strings"
)

// A backend is the URL of the HTTP service for which serve is a proxy.
type backend struct{ *url.URL }

// parseBackend parses the URL of -to.
func parseBackend(s string) (*backend, error) {
	if !strings.Contains(s, "://") {
		return nil, usageError("-to %q must begin with http:// or https://", s)
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, usageError("-to: %v", withoutURL(err))
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, usageError("-to: unsupported scheme %q; want http or https", u.Scheme)
	case u.Hostname() == "":
		return nil, usageError("-to %q has no host", s)
	case u.User != nil:
		return nil, usageError("-to must not have a user or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, usageError("-to %q must not have a query or fragment", s)
	}
	return &backend{u}, nil
}

// appLocation returns the Location of a redirect as a path in the app, if it leads to the backend
// itself: "/x" for http://127.0.0.1:8080/base/x. Others are unchanged, except that a path on the
// backend outside of the base gets the backend's host, because in the app it would be another one.
func (b *backend) appLocation(location string) string {
	reference, err := url.Parse(location)
	if err != nil {
		return location
	}
	if reference.Scheme == "" && reference.Host == "" && !strings.HasPrefix(reference.EscapedPath(), "/") {
		return location // relative to the request
	}
	u := b.ResolveReference(reference)
	if u.Scheme != b.Scheme || hostPort(u) != hostPort(b.URL) {
		return location
	}
	base := strings.TrimSuffix(b.EscapedPath(), "/")
	path, ok := strings.CutPrefix(u.EscapedPath(), base)
	if !ok || path != "" && path[0] != '/' {
		return u.String()
	}
	inApp := "/" + strings.TrimLeft(path, "/") // "//x" would be a host
	if u.RawQuery != "" {
		inApp += "?" + u.RawQuery
	}
	if u.Fragment != "" {
		inApp += "#" + u.EscapedFragment()
	}
	return inApp
}

// hostPort returns the host in lower case, with the port.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}
