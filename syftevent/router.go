package syftevent

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
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
	mu         sync.Mutex // held while the table is replaced
	middleware []Middleware
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
	// Handler is what was registered, without the router's middleware.
	Handler Handler
}

// route is a Route with what serving it needs.
type route struct {
	Route
	pattern *pattern
	served  Handler // Handler within the middleware
	site    string  // file:line of the registration
}

// table is the state of a router at one time. It is never changed, so it is
// read without a lock.
type table struct {
	routes []*route // in the order of registration
	// byFirst finds routes by the literal that their pattern begins with;
	// those that begin with a wildcard, or are "/", are under "".
	byFirst map[string][]*route
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

// Use wraps every handler of the router, those registered already and those to
// come, in the middleware. What was given first is outermost. The router's own
// answers, 404 and 405, are not wrapped.
func (r *Router) Use(middleware ...Middleware) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.middleware = append(r.middleware, middleware...)
	var routes []*route
	for _, old := range r.load().routes {
		renewed := *old
		renewed.served = r.wrap(old.Handler)
		routes = append(routes, &renewed)
	}
	r.store(routes)
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
	var path []string
	if trimmed := strings.TrimPrefix(cleanEndpoint(endpoint), "/"); trimmed != "" {
		path = strings.Split(trimmed, "/")
	}
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

func (r *Router) register(text string, handler Handler, site string) {
	p, err := parsePattern(text)
	if err != nil {
		panic(fmt.Sprintf("syftevent: %v (registered at %s)", err, site))
	}
	if handler == nil {
		panic(fmt.Sprintf("syftevent: the handler of %q is nil (registered at %s)", text, site))
	}
	_, path, ok := cutSpace(text)
	if !ok {
		path = text
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	routes := r.load().routes
	for _, other := range routes {
		if relation := p.compare(other.pattern); relation == equal || relation == overlaps {
			panic(fmt.Sprintf("syftevent: pattern %q (registered at %s) conflicts with pattern %q (registered at %s): %s",
				text, site, other.pattern.text, other.site, explainConflict(relation)))
		}
	}
	r.store(append(slices.Clip(routes), &route{
		Route:   Route{Method: p.method, Pattern: path, Handler: handler},
		pattern: p,
		served:  r.wrap(handler),
		site:    site,
	}))
}

func explainConflict(relation relation) string {
	if relation == equal {
		return "they match the same requests"
	}
	return "some requests match both, and neither pattern is more specific"
}

func (r *Router) wrap(handler Handler) Handler {
	for _, middleware := range slices.Backward(r.middleware) {
		handler = middleware(handler)
	}
	return handler
}

func (r *Router) load() *table {
	if t := r.table.Load(); t != nil {
		return t
	}
	return &table{}
}

func (r *Router) store(routes []*route) {
	t := &table{routes: routes, byFirst: map[string][]*route{}}
	for _, rt := range routes {
		first := ""
		if segments := rt.pattern.segments; len(segments) > 0 && segments[0].kind == literal {
			first = segments[0].text
		}
		t.byFirst[first] = append(t.byFirst[first], rt)
	}
	r.table.Store(t)
}

// folders are the endpoints whose folders a server makes: of each pattern, the
// literal segments with which it begins.
func (r *Router) folders() []string {
	var folders []string
	for _, rt := range r.load().routes {
		folder := ""
		for _, s := range rt.pattern.segments {
			if s.kind != literal {
				break
			}
			folder += "/" + s.text
		}
		folders = append(folders, cleanEndpoint(folder))
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}

// caller is the place outside this file that called the exported method.
func caller() string {
	if _, file, line, ok := runtime.Caller(2); ok {
		return fmt.Sprintf("%s:%d", file, line)
	}
	return "an unknown place"
}
