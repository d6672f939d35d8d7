package mutant

import (
	"slices"
	"strings"
)

// A route is an endpoint, or a pattern of endpoints: {name} stands for one segment,
// ** at the end for any number.
type route struct {
	method  string // "" for all
	pattern string // without a slash in front
	handler handler
}

// route finds the most specific pattern that an endpoint matches. The route is nil
// if there are such endpoints but none with this method; the method "" is all.
func (s *server) route(endpoint, method string) (found *route, values map[string]string, known bool) {
	for i := range s.routes {
		r := &s.routes[i]
		got, ok := r.match(endpoint)
		if !ok || s.has("literal-wildcards") && r.literal() != r.pattern {
			continue
		}
		known = true
		if method != "" && r.method != "" && r.method != method {
			continue
		}
		if found == nil || !s.has("first-route") && moreSpecific(r.pattern, found.pattern) {
			found, values = r, got
		}
	}
	return found, values, known
}

// allowed lists the methods of an endpoint, as a header does.
func (s *server) allowed(endpoint string) string {
	var list []string
	for _, r := range s.routes {
		if _, ok := r.match(endpoint); ok {
			list = append(list, r.method)
		}
	}
	return strings.Join(slices.Compact(list), ", ")
}

// match returns what each wildcard stands for.
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

func isWildcard(segment string) bool { return strings.HasPrefix(segment, "{") }

// moreSpecific compares two patterns that match the same endpoint: in the first
// segment in which they differ a name comes before {name}, and that before **.
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

// literal is what stands before the first wildcard of a pattern: a folder.
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
