package syftevent

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// registering guards the routes of all routers: a router and those that include it change
// together.
var registering sync.Mutex

// A route is a Route with its compiled pattern and middleware. A router that includes
// another has routes of its own for those of the other.
type route struct {
	Route
	pattern *pattern
	inner   Handler // Handler, or served of the included router's route
	served  Handler // inner within the middleware of the router
	origin  *route  // the route of the included router; nil for a registration
	site    string  // file:line of the registration
}

// A parent is a router that includes another, with the prefix.
type parent struct {
	router *Router
	prefix []segment
	text   string // the prefix, cleaned; "/" for none
}

// A table is an immutable snapshot of a router's routes, so that reading needs no lock.
type table struct {
	routes []*route // in the order of registration
	// byFirst holds the routes by the literal with which their pattern begins, and under
	// "" those that begin with a wildcard or are "/".
	byFirst map[string][]*route
}

// Include adds the routes of another router, present and future ones, with a prefix: with
// "/v1", "GET /users" becomes "GET /v1/users". The prefix begins with a slash and may have
// single-segment wildcards; "/" adds nothing. The middleware of r wraps that of the other
// router. Include panics as [Router.Handle] does, and if a router would include itself.
func (r *Router) Include(prefix string, other *Router) {
	site := caller()
	p, err := parsePattern(prefix)
	switch {
	case err != nil:
		panic(fmt.Sprintf("syftevent: %v (included at %s)", err, site))
	case p.method != "" || len(p.segments) > 0 && p.segments[len(p.segments)-1].kind == rest:
		panic(fmt.Sprintf("syftevent: bad prefix %q: want a path whose wildcards are single segments (included at %s)", prefix, site))
	case other == nil:
		panic(fmt.Sprintf("syftevent: router for %q is nil (included at %s)", prefix, site))
	}
	registering.Lock()
	defer registering.Unlock()
	if other.includes(r) {
		panic(fmt.Sprintf("syftevent: a router cannot include itself (included at %s)", site))
	}
	link := parent{router: r, prefix: p.segments, text: protocol.CleanEndpoint(p.text)}
	other.parents = append(other.parents, link)
	defer func() { // undo it if add panics
		if p := recover(); p != nil {
			other.parents = other.parents[:len(other.parents)-1]
			panic(p)
		}
	}()
	r.add(link.routes(other.load().routes))
}

// includes reports whether r is the router, or includes it at any depth.
func (r *Router) includes(router *Router) bool {
	if r == router {
		return true
	}
	return slices.ContainsFunc(router.parents, func(p parent) bool { return r.includes(p.router) })
}

// Use adds middleware around every handler, whether it is registered already or later, and
// around the 404 and 405 of the router itself. The router selects the handler first: a
// middleware can use the path values, but a change of the method or the URL does not select
// another handler. The first middleware is the outermost. The middleware of a router that is
// included by another does not see 404 and 405; that of the outermost router does.
//
// Each call of Use wraps all handlers again, so any state that a middleware keeps per wrapped
// handler is reset. Call Use before the server starts if that matters. A middleware must not
// register routes while it wraps.
func (r *Router) Use(middleware ...Middleware) {
	registering.Lock()
	defer registering.Unlock()
	r.middleware = append(r.middleware, middleware...)
	unrouted := r.wrap(HandlerFunc(r.serveUnrouted))
	r.unrouted.Store(&unrouted)
	renewed := map[*route]*route{}
	for _, old := range r.load().routes {
		renewed[old] = r.renew(old, old.inner)
	}
	r.replace(renewed)
}

// renew returns a copy of a route with another inner handler and r's present middleware.
func (r *Router) renew(old *route, inner Handler) *route {
	renewed := *old
	renewed.inner, renewed.served = inner, r.wrap(inner)
	return &renewed
}

// replace replaces routes, here and in the routers that include r.
func (r *Router) replace(renewed map[*route]*route) {
	routes := slices.Clone(r.load().routes)
	for i, old := range routes {
		if now := renewed[old]; now != nil {
			routes[i] = now
		}
	}
	r.store(routes)
	for _, p := range r.parents {
		above := map[*route]*route{}
		for _, old := range p.router.load().routes {
			if now := renewed[old.origin]; now != nil {
				above[old] = p.router.renew(old, now.served)
				above[old].origin = now
			}
		}
		p.router.replace(above)
	}
}

func (r *Router) register(text string, handler Handler, site string) {
	p, err := parsePattern(text)
	if err != nil {
		panic(fmt.Sprintf("syftevent: %v (registered at %s)", err, site))
	}
	if handler == nil {
		panic(fmt.Sprintf("syftevent: handler of %q is nil (registered at %s)", text, site))
	}
	schema := GenerateSchema(handler)
	schema.Method = p.method
	registering.Lock()
	defer registering.Unlock()
	r.add([]*route{{
		Route: Route{
			Method: p.method, Pattern: p.path(), Handler: handler,
			Description: schema.Description, Schema: schema,
		},
		pattern: p,
		inner:   handler,
		site:    site,
	}})
}

// add adds routes here and in the routers that include r, or panics and adds none.
func (r *Router) add(routes []*route) {
	var spread batches
	spread.collect(r, routes)
	for _, b := range spread {
		b.check()
	}
	for _, b := range spread {
		b.router.store(append(slices.Clip(b.router.load().routes), b.routes...))
	}
}

// A batch is the routes that a registration adds to one router.
type batch struct {
	router *Router
	routes []*route
}

// batches has one batch per router, even if a router includes another in several ways.
type batches []*batch

func (b *batches) collect(r *Router, routes []*route) {
	for _, added := range routes {
		added.served = r.wrap(added.inner)
	}
	i := slices.IndexFunc(*b, func(known *batch) bool { return known.router == r })
	if i < 0 {
		*b = append(*b, &batch{r, routes})
	} else {
		(*b)[i].routes = append((*b)[i].routes, routes...)
	}
	for _, p := range r.parents {
		b.collect(p.router, p.routes(routes))
	}
}

// check panics if a route of the batch conflicts with a route of the router or of the
// batch.
func (b *batch) check() {
	existing := b.router.load()
	for i, added := range b.routes {
		added.checkWildcards()
		for _, other := range slices.Concat(existing.near(added.pattern), b.routes[:i]) {
			if relation := added.pattern.compare(other.pattern); relation == equal || relation == overlaps {
				panic(fmt.Sprintf("syftevent: pattern %q (registered at %s) conflicts with pattern %q (registered at %s): %s",
					added.pattern.text, added.site, other.pattern.text, other.site, explainConflict(relation, added.pattern, other.pattern)))
			}
		}
	}
}

// checkWildcards panics if the prefix of an included route has a wildcard with the same
// name as one of the route's.
func (rt *route) checkWildcards() {
	names := map[string]bool{}
	for _, s := range rt.pattern.segments {
		if s.kind != literal && s.text != "*" && names[s.text] {
			panic(fmt.Sprintf("syftevent: duplicate wildcard %q in %q (registered at %s)", s.text, rt.pattern.text, rt.site))
		}
		names[s.text] = s.kind != literal
	}
}

// routes returns the parent's routes for those of the included router.
func (p parent) routes(included []*route) []*route {
	var routes []*route
	for _, origin := range included {
		added := *origin
		added.origin, added.inner = origin, origin.served
		added.pattern = &pattern{
			method:   origin.pattern.method,
			segments: append(slices.Clone(p.prefix), origin.pattern.segments...),
		}
		added.Pattern = protocol.CleanEndpoint(p.text + "/" + origin.Pattern)
		added.pattern.text = strings.TrimSpace(added.Method + " " + added.Pattern)
		routes = append(routes, &added)
	}
	return routes
}

func explainConflict(relation relation, p, q *pattern) string {
	if relation == equal {
		return fmt.Sprintf("they match the same requests, such as %q", p.common(q))
	}
	return fmt.Sprintf("both match %q, and neither pattern is more specific", p.common(q))
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
		first := rt.pattern.first()
		t.byFirst[first] = append(t.byFirst[first], rt)
	}
	r.table.Store(t)
}

// near returns the routes that may match a request that the pattern matches.
func (t *table) near(p *pattern) []*route {
	first := p.first()
	if first == "" {
		return t.routes
	}
	return slices.Concat(t.byFirst[first], t.byFirst[""])
}

// first returns the literal with which a pattern begins, or "".
func (p *pattern) first() string {
	if len(p.segments) > 0 && p.segments[0].kind == literal {
		return p.segments[0].text
	}
	return ""
}

// path returns the text of a pattern without the method.
func (p *pattern) path() string {
	if _, path, ok := cutSpace(p.text); ok {
		return path
	}
	return p.text
}

// leadsTo reports whether a route matches the endpoint or one below it.
func (t *table) leadsTo(endpoint string) bool {
	path := splitEndpoint(endpoint)
	return slices.ContainsFunc(t.routes, func(rt *route) bool { return rt.pattern.matchBelow(path) })
}

// folders returns the endpoints whose folders a server creates: the literal segments with
// which each pattern begins.
func (t *table) folders() []string {
	var folders []string
	for _, rt := range t.routes {
		folder := ""
		for _, s := range rt.pattern.segments {
			if s.kind != literal {
				break
			}
			folder += "/" + s.text
		}
		folders = append(folders, protocol.CleanEndpoint(folder))
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}

// caller returns the file and line that called the exported method.
func caller() string {
	if _, file, line, ok := runtime.Caller(2); ok {
		return fmt.Sprintf("%s:%d", file, line)
	}
	return "unknown location"
}
