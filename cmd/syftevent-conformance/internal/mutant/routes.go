package mutant

import (
	"net/url"
	"path"
	"slices"
	"strings"
)

// A route maps a pattern to a handler. In a pattern, {name} matches one segment, and a
// final ** any number of segments.
type route struct {
	method  string // "" matches every method
	pattern string // without a leading slash
	handler handler
}

// A router finds the route of a request.
type router struct {
	defect
	routes []route
}

// find returns the most specific route that matches an endpoint and a method, with its
// path values. The method "" matches every route. The route is nil if none matches;
// known reports whether one matches with another method.
func (r router) find(endpoint, method string) (found *route, values map[string]string, known bool) {
	for i := range r.routes {
		candidate := &r.routes[i]
		got, ok := candidate.match(endpoint)
		if r.has("word-wildcards") && strings.ContainsFunc(got["id"], func(c rune) bool { return !isWordRune(c) }) {
			ok = false
		}
		if r.has("some-segments") && got["**"] == "" && strings.HasSuffix(candidate.pattern, "**") {
			ok = false
		}
		if !ok || r.has("literal-wildcards") && candidate.literal() != candidate.pattern {
			continue
		}
		known = true
		if method != "" && candidate.method != "" && candidate.method != method {
			continue
		}
		if found == nil || !r.has("first-route") && moreSpecific(candidate.pattern, found.pattern) {
			found, values = candidate, got
		}
	}
	if r.has("unescapes-values") {
		values = unescaped(values)
	}
	return found, values, known
}

// allowed returns the Allow header of an endpoint.
func (r router) allowed(endpoint string) string {
	var list []string
	for _, candidate := range r.routes {
		if _, ok := candidate.match(endpoint); ok {
			list = append(list, candidate.method)
		}
	}
	return strings.Join(slices.Compact(list), ", ")
}

// parent returns the parent of an endpoint if it is an endpoint too, else the endpoint
// itself.
func (r router) parent(endpoint string) string {
	parent := path.Dir(endpoint)
	if slices.ContainsFunc(r.routes, func(candidate route) bool { return candidate.pattern == parent }) {
		return parent
	}
	return endpoint
}

// match returns the path values of an endpoint that matches the pattern.
func (r *route) match(endpoint string) (map[string]string, bool) {
	values := map[string]string{}
	have := strings.Split(endpoint, "/")
	for i, want := range strings.Split(r.pattern, "/") {
		switch {
		case want == "**":
			values["**"] = strings.Join(have[min(i, len(have)):], "/")
			return values, true
		case i >= len(have):
			return nil, false
		case isWildcard(want):
			values[strings.Trim(want, "{}")] = have[i]
		case want != have[i]:
			return nil, false
		}
	}
	return values, len(have) == strings.Count(r.pattern, "/")+1
}

// isWordRune reports whether a character belongs to a word of ASCII, with dots.
func isWordRune(c rune) bool {
	return c == '_' || c == '-' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isWildcard(segment string) bool { return strings.HasPrefix(segment, "{") }

// moreSpecific compares two patterns that match the same endpoint. In the first segment
// that differs, a literal beats {name}, and {name} beats **.
func moreSpecific(a, b string) bool {
	rank := func(segment string) int {
		switch {
		case segment == "**":
			return 2
		case isWildcard(segment):
			return 1
		}
		return 0
	}
	others := strings.Split(b, "/")
	for i, segment := range strings.Split(a, "/") {
		if i >= len(others) {
			return true
		}
		if difference := rank(segment) - rank(others[i]); difference != 0 {
			return difference < 0
		}
	}
	return false
}

// literal returns the literal prefix of the pattern, which is a directory.
func (r *route) literal() string {
	var names []string
	for segment := range strings.SplitSeq(r.pattern, "/") {
		if isWildcard(segment) || segment == "**" {
			break
		}
		names = append(names, segment)
	}
	return strings.Join(names, "/")
}

// unescaped returns path values with their percent escapes decoded.
func unescaped(values map[string]string) map[string]string {
	for name, value := range values {
		if text, err := url.PathUnescape(value); err == nil {
			values[name] = text
		}
	}
	return values
}
