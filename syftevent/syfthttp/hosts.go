package syfthttp

import (
	"fmt"
	"net/url"
	"strings"
)

// Hosts returns a function for [Transport.Resolve] that knows hosts by their names. The values are
// syft:// URLs, to which it appends the path of the request:
//
//	Hosts(map[string]string{"notes.example": "syft://bob@example.com/app_data/notes/rpc"})
//
// resolves https://notes.example/list?limit=3 to
// syft://bob@example.com/app_data/notes/rpc/list?limit=3. A key may have a port, as in
// "notes.example:8080". Cookies are kept by host: hosts for different people should be different.
//
// The function returns an error for other hosts and for an invalid value.
func Hosts(targets map[string]string) func(*url.URL) (*url.URL, error) {
	byHost := map[string]string{}
	for host, target := range targets {
		byHost[strings.ToLower(host)] = target
	}
	return func(u *url.URL) (*url.URL, error) {
		target, ok := byHost[strings.ToLower(u.Host)]
		if !ok {
			return nil, fmt.Errorf("unknown host %q", u.Host)
		}
		base, err := url.Parse(target)
		if err != nil {
			return nil, err
		}
		resolved := base.JoinPath("/")
		resolved.Path = strings.TrimSuffix(resolved.Path, "/") + u.Path
		resolved.RawPath = strings.TrimSuffix(base.EscapedPath(), "/") + u.EscapedPath()
		resolved.RawQuery = u.RawQuery
		return resolved, nil
	}
}
