package syftevent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// An endpointSet is what a running server knows about a router at one time. It has
// folders and a document to publish, but no patterns, handlers and schemas.
type endpointSet struct {
	routes        int             // how many there are
	folders       []string        // of all endpoints: "/" and the literal segments
	deliverable   []string        // the folders without those of undeliverable endpoints
	undeliverable []error         // why SyftBox never delivers to them
	first         map[string]bool // the first segments of folders; "" for any
	has           func(endpoint string) bool
	leadsTo       func(endpoint string) bool // endpoint, or one below it, has a route
	schema        func() ([]byte, error)     // the content of rpc.schema.json
}

// endpoints returns a function that returns the router's current endpointSet, which is the
// same one until a route is added. With anyName all endpoints count as deliverable.
func (r *Router) endpoints(anyName bool) func() *endpointSet {
	var mu sync.Mutex
	var of *table
	var set *endpointSet
	return func() *endpointSet {
		t := r.load()
		mu.Lock()
		defer mu.Unlock()
		if set == nil || t != of {
			of, set = t, newEndpointSet(r, t, anyName)
		}
		return set
	}
}

func newEndpointSet(r *Router, t *table, anyName bool) *endpointSet {
	set := &endpointSet{
		routes: len(t.routes), folders: t.folders(), first: map[string]bool{},
		has: r.has, leadsTo: t.leadsTo,
	}
	for first, routes := range t.byFirst {
		set.first[first] = len(routes) > 0
	}
	deliverable := &table{}
	for _, rt := range t.routes {
		if err := rt.pattern.checkDeliverable(); err != nil && !anyName {
			set.undeliverable = append(set.undeliverable, fmt.Errorf(
				"syftevent: endpoint %q (registered at %s): %w; set Server.AllowAnyName if the server does not run under SyftBox",
				rt.pattern.text, rt.site, err))
			continue
		}
		deliverable.routes = append(deliverable.routes, rt)
	}
	set.deliverable = deliverable.folders()
	set.schema = deliverable.schema
	return set
}

// schema encodes the schemas of the routes, in order of registration.
func (t *table) schema() ([]byte, error) {
	onPath := map[string]int{}
	for _, rt := range t.routes {
		onPath[protocol.CleanEndpoint(rt.Pattern)]++
	}
	var out bytes.Buffer
	out.WriteByte('{')
	for i, rt := range t.routes {
		// The path alone, as the Python package, which has no methods, writes it; with
		// the method if several routes share the path.
		name := protocol.CleanEndpoint(rt.Pattern)
		if onPath[name] > 1 && rt.Method != "" {
			name = rt.Method + " " + name
		}
		if i > 0 {
			out.WriteByte(',')
		}
		writeJSON(&out, name)
		out.WriteByte(':')
		writeJSON(&out, rt.Schema)
	}
	out.WriteByte('}')
	var indented bytes.Buffer
	err := json.Indent(&indented, out.Bytes(), "", "  ")
	return indented.Bytes(), err
}
