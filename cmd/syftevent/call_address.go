package main

import (
	"net/url"
	"strings"

	"github.com/syftevent/syftevent-go/syftevent"
)

// parseAddress returns the syft:// URL of an endpoint for a URL or its short form
// EMAIL/APP/ENDPOINT.
func parseAddress(s string) (string, error) {
	full := s
	if !strings.HasPrefix(s, "syft://") {
		if scheme, _, ok := strings.Cut(s, "://"); ok {
			return "", usageError("unsupported scheme %q; want syft://EMAIL/app_data/APP/rpc/ENDPOINT or EMAIL/APP/ENDPOINT", scheme)
		}
		email, path, _ := strings.Cut(s, "/")
		if full = "syft://" + s; !strings.HasPrefix(path, "app_data/") {
			var err error
			if full, err = expandAddress(email, path); err != nil {
				return "", err
			}
		}
	}
	u, err := syftevent.ParseURL(full)
	if err != nil {
		return "", badAddress(s)
	}
	if strings.Contains(u.Query, " ") {
		return "", usageError("the query of URL %q has a space; write %%20", s)
	}
	if u.Endpoint() == "" {
		return "", badAddress(s)
	}
	if _, err := url.Parse(full); err != nil {
		return "", usageError("bad URL: %v", withoutURL(err))
	}
	return full, nil
}

// expandAddress returns the URL for the short form.
func expandAddress(email, path string) (string, error) {
	end := len(path)
	if i := strings.IndexAny(path, "/?#"); i >= 0 {
		end = i
	}
	if path[:end] == "" {
		return "", badAddress(email + "/" + path)
	}
	u, err := syftevent.MakeURL(email, path[:end], path[end:])
	if err != nil {
		return "", usageError("%v", plainError(err))
	}
	// MakeURL drops a trailing slash, which matters to some HTTP services.
	return "syft://" + email + "/app_data/" + u.App() + "/rpc" + path[end:], nil
}

func badAddress(s string) error {
	return usageError("bad URL %q; want syft://EMAIL/app_data/APP/rpc/ENDPOINT or EMAIL/APP/ENDPOINT", s)
}
