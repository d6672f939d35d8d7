package syftevent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
)

// methods are those of the protocol.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

// A Router hands each request to the handler whose pattern fits its endpoint
// best. The zero value has no routes and is ready to use. All methods may be
// called at any time, also while a server uses the router.
//
// # Patterns
//
// A pattern is an endpoint, with a method and a space in front of it or
// without, in which wildcards may stand for segments:
//
//	"/users"                 the endpoint /users, any method
//	"GET /users"             GET and HEAD only
//	"/users/{id}"            one segment, Request.PathValue("id")
//	"/users/{email}/profile"
//	"/users/*"               one segment, PathValue("*")
//	"/files/{path...}"       zero or more segments at the end, PathValue("path")
//	"/files/**"              the same, PathValue("**")
//
// A slash at the end, or a doubled one, means nothing.
//
// # Precedence
//
// As in [net/http.ServeMux], the most specific pattern wins: the one that
// matches a part of what the others match. "/users/me" comes before
// "/users/{id}", that before "/users/**", and "GET /users" before "/users". Two
// patterns of which neither is more specific, though one request could match
// both, are a mistake: the second registration panics and names both places.
//
// # Answers of its own
//
// An endpoint that no pattern matches is answered 404, and one that a pattern
// matches only with other methods 405, with the header Allow.
type Router struct {
	// The state that registration changes is held by registering.
	middleware []Middleware
	parents    []parent // the routers that include this one
	table      atomic.Pointer[table]
}

// NewRouter returns a router without routes.
func NewRouter() *Router { return &Router{} }

// A Route is one registration in a [Router].
type Route struct {
	// Method is "" for any.
	Method string
	// Pattern is the path of the pattern as it was registered, without the
	// method.
	Pattern string
	// Handler is what was registered, without any middleware.
	Handler Handler
	// Description was given by [Describe]; "" for none.
	Description string
	// Schema says what the handler expects and returns, as far as it says so:
	// a handler made by [Typed] does.
	Schema Schema
}

// Handle registers a handler for a pattern. It panics if the pattern is
// malformed, the handler nil, or the pattern in conflict with one registered
// before.
func (r *Router) Handle(pattern string, handler Handler) {
	r.register(pattern, handler, caller())
}

// OnRequest registers a function for a pattern, as [Router.Handle] does.
func (r *Router) OnRequest(pattern string, handler func(context.Context, *Request) (*Response, error)) {
	if handler == nil {
		panic("syftevent: OnRequest(" + pattern + "): the handler is nil")
	}
	r.register(pattern, HandlerFunc(handler), caller())
}

// Routes returns the routes in the order of their registration.
func (r *Router) Routes() []Route {
	var routes []Route
	for _, rt := range r.load().routes {
		routes = append(routes, rt.Route)
	}
	return routes
}

// ServeSyft answers the request by the route that fits best.
func (r *Router) ServeSyft(ctx context.Context, req *Request) (*Response, error) {
	found := r.find(req.Method, req.path())
	switch {
	case found.route != nil:
		req.pathValues = found.values
		return found.route.served.ServeSyft(ctx, req)
	case found.allow != nil:
		response := Text(405, fmt.Sprintf("Method %s not allowed", req.Method))
		response.Headers.Set("Allow", strings.Join(found.allow, ", "))
		return response, nil
	}
	return Text(404, fmt.Sprintf("No such endpoint: %s", req.path())), nil
}

// A match is what the router knows of a request: its route, or the methods
// that its endpoint has, or neither.
type match struct {
	route  *route
	values map[string]string
	allow  []string
}

func (r *Router) find(method, endpoint string) match {
	path := splitEndpoint(endpoint)
	t := r.load()
	var best *route
	allow := map[string]bool{}
	consider := func(candidates []*route) {
		for _, candidate := range candidates {
			p := candidate.pattern
			switch {
			case !p.matchPath(path):
			case !p.matchMethod(method):
				for _, m := range methods {
					if p.matchMethod(m) {
						allow[m] = true
					}
				}
			case best == nil || p.compare(best.pattern) == narrower:
				best = candidate
			}
		}
	}
	if len(path) > 0 {
		consider(t.byFirst[path[0]])
	}
	consider(t.byFirst[""])
	switch {
	case best != nil:
		return match{route: best, values: best.pattern.values(path)}
	case len(allow) > 0:
		return match{allow: slices.Sorted(maps.Keys(allow))}
	}
	return match{}
}

// has reports whether the endpoint has a route, of any method.
func (r *Router) has(endpoint string) bool {
	found := r.find("GET", endpoint)
	return found.route != nil || found.allow != nil
}
