package syftevent

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// methods are those of the protocol.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

// A pattern is a parsed pattern. [Router] documents the grammar and the precedence.
type pattern struct {
	text     string
	method   string // "" for any
	segments []segment
}

// A segment is the part of a pattern between two slashes.
type segment struct {
	kind segmentKind
	text string // the literal, or the wildcard's name
}

type segmentKind int

const (
	literal segmentKind = iota
	single              // {name} or *: one segment of a path
	rest                // {name...} or **: zero or more segments, at the end
)

// parsePattern parses "[METHOD ]/segment/segment...".
func parsePattern(text string) (*pattern, error) {
	bad := func(format string, args ...any) (*pattern, error) {
		return nil, fmt.Errorf("bad pattern %q: %s", text, fmt.Sprintf(format, args...))
	}
	p := &pattern{text: text}
	path := text
	if method, after, ok := cutSpace(text); ok {
		if !slices.Contains(methods, method) {
			return bad("method %q is not one of %s", method, strings.Join(methods, ", "))
		}
		p.method, path = method, after
	}
	if !strings.HasPrefix(path, "/") {
		return bad("the path must begin with a slash")
	}
	names := map[string]bool{}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" {
			continue
		}
		if len(p.segments) > 0 && p.segments[len(p.segments)-1].kind == rest {
			return bad("segment %q must be the last", p.segments[len(p.segments)-1].text)
		}
		s, err := parseSegment(part)
		if err != nil {
			return bad("%v", err)
		}
		if s.kind != literal && s.text != "*" {
			if names[s.text] {
				return bad("duplicate wildcard %q", s.text)
			}
			names[s.text] = true
		}
		p.segments = append(p.segments, s)
	}
	return p, nil
}

func parseSegment(part string) (segment, error) {
	switch {
	case part == "*":
		return segment{single, "*"}, nil
	case part == "**":
		return segment{rest, "**"}, nil
	case part == "." || part == "..":
		return segment{}, fmt.Errorf("segment %q is not allowed", part)
	case strings.ContainsFunc(part, isControl):
		return segment{}, fmt.Errorf("segment %q contains a control character", part)
	}
	name, ok := strings.CutPrefix(part, "{")
	if !ok {
		if strings.ContainsAny(part, "{}*") {
			return segment{}, fmt.Errorf("segment %q: a wildcard must be the whole segment", part)
		}
		return segment{literal, part}, nil
	}
	if name, ok = strings.CutSuffix(name, "}"); !ok {
		return segment{}, fmt.Errorf("segment %q: want {name} or {name...}", part)
	}
	kind := single
	if before, ok := strings.CutSuffix(name, "..."); ok {
		name, kind = before, rest
	}
	if !isIdentifier(name) {
		return segment{}, fmt.Errorf("segment %q: the wildcard's name must be a Go identifier", part)
	}
	return segment{kind, name}, nil
}

func cutSpace(s string) (before, after string, found bool) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, "", false
	}
	return s[:i], strings.TrimLeft(s[i:], " \t"), true
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if !unicode.IsLetter(r) && r != '_' && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}

// matchPath reports whether the segments of an endpoint match, regardless of the method.
func (p *pattern) matchPath(path []string) bool {
	for i, s := range p.segments {
		switch {
		case s.kind == rest:
			return true
		case i == len(path):
			return false
		case s.kind == literal && s.text != path[i]:
			return false
		}
	}
	return len(path) == len(p.segments)
}

// matchBelow reports whether an endpoint that begins with the segments matches.
func (p *pattern) matchBelow(path []string) bool {
	for i, s := range p.segments {
		switch {
		case s.kind == rest, i == len(path):
			return true
		case s.kind == literal && s.text != path[i]:
			return false
		}
	}
	return len(path) <= len(p.segments)
}

// matchMethod reports whether the method matches. As in net/http, GET matches HEAD.
func (p *pattern) matchMethod(method string) bool {
	return p.method == "" || p.method == method || p.method == "GET" && method == "HEAD"
}

// values returns what the wildcards of p match in a path that p matches.
func (p *pattern) values(path []string) map[string]string {
	var values map[string]string
	for i, s := range p.segments {
		if s.kind == literal {
			continue
		}
		if values == nil {
			values = map[string]string{}
		}
		value := ""
		if s.kind == rest {
			value = strings.Join(path[i:], "/")
		} else {
			value = path[i]
		}
		if _, ok := values[s.text]; !ok {
			values[s.text] = value
		}
	}
	return values
}

// A relation is the relation of the sets of requests that two patterns match.
type relation int

const (
	disjoint relation = iota // no request matches both
	equal                    // the same requests
	narrower                 // the first matches a subset of the second's
	wider                    // the first matches a superset of the second's
	overlaps                 // some match both, and each matches others
)

// compare returns the relation of p to q.
func (p *pattern) compare(q *pattern) relation {
	byMethod := compareMethods(p, q)
	if byMethod == disjoint {
		return disjoint
	}
	return and(byMethod, comparePaths(p.segments, q.segments))
}

func compareMethods(p, q *pattern) relation {
	switch {
	case p.method == q.method:
		return equal
	case q.matchMethod(p.method):
		return narrower
	case p.matchMethod(q.method):
		return wider
	}
	return disjoint
}

func comparePaths(p, q []segment) relation {
	sofar := equal
	for len(p) > 0 && len(q) > 0 && p[0].kind != rest && q[0].kind != rest {
		switch {
		case p[0].kind == literal && q[0].kind == literal:
			if p[0].text != q[0].text {
				return disjoint
			}
		case p[0].kind == literal:
			sofar = and(sofar, narrower)
		case q[0].kind == literal:
			sofar = and(sofar, wider)
		}
		p, q = p[1:], q[1:]
	}
	pOpen := len(p) > 0 && p[0].kind == rest
	qOpen := len(q) > 0 && q[0].kind == rest
	switch {
	case pOpen && qOpen:
		return sofar
	case pOpen:
		return and(sofar, wider)
	case qOpen:
		return and(sofar, narrower)
	case len(p) == len(q):
		return sofar
	}
	return disjoint
}

// common returns a request, "METHOD /path" or "/path", that p and q both match.
// They must not be disjoint.
func (p *pattern) common(q *pattern) string {
	method := p.method
	if method == "" || q.method != "" && p.matchMethod(q.method) {
		method = q.method
	}
	path := ""
	for i := range max(len(p.segments), len(q.segments)) {
		a, b := p.at(i), q.at(i)
		switch {
		case a.kind == literal && a.text != "":
			path += "/" + a.text
		case b.kind == literal && b.text != "":
			path += "/" + b.text
		case a.kind == single:
			path += "/" + exampleSegment(a)
		case b.kind == single:
			path += "/" + exampleSegment(b)
		}
	}
	return strings.TrimSpace(method + " " + protocol.CleanEndpoint(path))
}

// at returns the i-th segment, or none (the zero segment) behind the end.
func (p *pattern) at(i int) segment {
	if i < len(p.segments) {
		return p.segments[i]
	}
	return segment{}
}

// exampleSegment returns a segment of a path that a wildcard matches.
func exampleSegment(s segment) string {
	if s.text == "*" {
		return "x"
	}
	return s.text
}

// and combines the relations of two independent parts. a must not be disjoint.
func and(a, b relation) relation {
	switch {
	case b == disjoint:
		return disjoint
	case a == b || b == equal:
		return a
	case a == equal:
		return b
	}
	return overlaps
}
