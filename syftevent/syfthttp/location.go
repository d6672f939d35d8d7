package syfthttp

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/syftevent/syftevent-go/syftevent"
)

// rebase returns the URL of the endpoint to which a Location leads from the path that the handler
// saw. It keeps a Location with a scheme or a host.
func rebase(location string, from *url.URL, target syftevent.URL) string {
	relative, err := url.Parse(location)
	if err != nil || relative.IsAbs() || relative.Host != "" {
		return location
	}
	path, err := requestPath(target)
	if err != nil {
		return location
	}
	u := (&url.URL{Path: path, RawQuery: target.Query}).ResolveReference(relative)
	root := &url.URL{Path: "/app_data/" + target.App() + "/rpc"}
	u.RawPath = root.EscapedPath() + u.EscapedPath()
	u.Path = root.Path + u.Path
	u.Scheme, u.User, u.Host = from.Scheme, from.User, from.Host
	return u.String()
}

// splitCookies splits cookies that were joined by ", " into the values of Set-Cookie again.
func splitCookies(h http.Header) {
	var cookies []string
	for _, value := range h["Set-Cookie"] {
		begin := 0
		unquoted := quoted.ReplaceAllStringFunc(value, func(s string) string { return strings.Repeat("q", len(s)) })
		for _, found := range nextCookie.FindAllStringIndex(unquoted, -1) {
			cookies = append(cookies, value[begin:found[0]])
			begin = found[0] + len(", ")
		}
		cookies = append(cookies, value[begin:])
	}
	if cookies != nil {
		h["Set-Cookie"] = cookies
	}
}

// quoted matches a quoted value. nextCookie matches where a further cookie begins: at a name and
// "=". A comma in the attribute Expires is followed by a day of the month and a space.
var quoted, nextCookie = regexp.MustCompile(`"[^"]*"`), regexp.MustCompile(", [!#$%&'*+.^_`|~0-9A-Za-z-]+=")
