package syftevent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
)

// A Router is a request multiplexer: it calls the handler whose pattern matches
// the method and the endpoint of a request most specifically. The zero value has
// no routes and is ready to use. All methods may be called at any time, also while
// a server uses the router.
//
// # Patterns
//
// A pattern is "[METHOD ]/segment/segment...". A segment is a literal or a wildcard:
//
//	"/users"                 the endpoint /users, any method
//	"GET /users"             GET and HEAD only
//	"/users/{id}"            one segment, Request.PathValue("id")
//	"/users/{email}/profile"
//	"/users/*"               one segment, PathValue("*")
//	"/files/{path...}"       zero or more segments at the end, PathValue("path")
//	"/files/**"              the same, PathValue("**")
//
// Trailing and repeated slashes are ignored. Therefore, unlike in [net/http.ServeMux], "/"
// matches only the endpoint "/", and "/users/" is the same as "/users": use "/users/**" for
// everything below. Patterns have no host and no {$}. Path values are not %-decoded. The
// body of a response to HEAD is published as it is.
//
// SyftBox never delivers a request if a segment of its path is "logs", "dist", "venv",
// ".git" or "Icon", for example, ends in ".log" or ".tmp", contains "..", or has more than 235
// bytes. A literal segment is checked (see [Server.AllowAnyName]), the value of a wildcard is
// not: pass names of files, and other text that callers choose, in the query or the body.
//
// # Precedence
//
// As in [net/http.ServeMux], the most specific pattern wins: the one that matches a
// subset of what the others match. "/users/me" wins over "/users/{id}", which wins
// over "/users/**", and "GET /users" wins over "/users". Two patterns conflict
// if some request matches both and neither is more specific: the second registration panics.
// The message gives the file and line of both registrations and an example of a request that
// matches both.
//
// # Unmatched requests
//
// The router responds with 404 to an endpoint that no pattern matches, and with 405
// and the header Allow to a method that no pattern of the endpoint has. If an endpoint has no
// route but its folder has a .syftkeep, a [Server] leaves the requests there and logs that
// once: another server of the app, such as one of the Python package, may serve it. After you
// remove an endpoint from a program, delete its folder; its callers then get 404.
type Router struct {
	// middleware and parents are guarded by registering.
	middleware []Middleware
	parents    []parent // the routers that include this one
	table      atomic.Pointer[table]
	unrouted   atomic.Pointer[Handler] // serveUnrouted within the middleware; nil for none
}

// NewRouter returns a router without routes.
func NewRouter() *Router { return &Router{} }

// A Route is one registration in a [Router].
type Route struct {
	// Method is the method of the pattern, or "" for any.
	Method string
	// Pattern is the path of the pattern, without the method and with the prefixes of
	// [Router.Include].
	Pattern string
	// Handler is the registered handler, without the router's middleware.
	Handler Handler
	// Description is the text set by [Describe], or "".
	Description string
	// Schema is the schema of the handler, as [GenerateSchema] returns it, with the method.
	Schema Schema
}

// Handle registers the handler for a pattern. It panics if the pattern is malformed
// or conflicts with a registered one, or if the handler is nil.
func (r *Router) Handle(pattern string, handler Handler) {
	r.register(pattern, handler, caller())
}

// HandleFunc registers the function for a pattern, as [Router.Handle] does.
func (r *Router) HandleFunc(pattern string, handler func(context.Context, *Request) (*Response, error)) {
	if handler == nil {
		panic("syftevent: HandleFunc(" + pattern + "): handler is nil")
	}
	r.register(pattern, HandlerFunc(handler), caller())
}

// OnRequest is [Router.HandleFunc] under the name that the Python package uses.
func (r *Router) OnRequest(pattern string, handler func(context.Context, *Request) (*Response, error)) {
	if handler == nil {
		panic("syftevent: OnRequest(" + pattern + "): handler is nil")
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

// ServeSyft calls the handler whose pattern matches the request most specifically.
func (r *Router) ServeSyft(ctx context.Context, req *Request) (*Response, error) {
	if found := r.find(req.Method, req.path()); found.route != nil {
		req.pathValues = found.values
		return found.route.served.ServeSyft(ctx, req)
	}
	if handler := r.unrouted.Load(); handler != nil {
		return (*handler).ServeSyft(ctx, req)
	}
	return r.serveUnrouted(ctx, req)
}

// serveUnrouted responds to a request that no route matches.
func (r *Router) serveUnrouted(_ context.Context, req *Request) (*Response, error) {
	if allow := r.find(req.Method, req.path()).allow; allow != nil {
		response := Text(405, fmt.Sprintf("Method %s not allowed", req.Method))
		response.Headers.Set("Allow", strings.Join(allow, ", "))
		return response, nil
	}
	return Text(404, fmt.Sprintf("No such endpoint: %s", req.path())), nil
}

// A match is the route of a request, or the methods that its endpoint allows, or
// neither.
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
