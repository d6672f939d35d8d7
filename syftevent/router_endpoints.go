package syftevent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/syftevent/syftevent-go/syftevent/internal/engine"
	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// endpoints returns a function that returns the router's current endpoints, which is the
// same one until a route is added. With anyName all endpoints count as deliverable.
func (r *Router) endpoints(anyName bool) func() *engine.Endpoints {
	var mu sync.Mutex
	var of *table
	var set *engine.Endpoints
	return func() *engine.Endpoints {
		t := r.load()
		mu.Lock()
		defer mu.Unlock()
		if set == nil || t != of {
			of, set = t, newEndpoints(r, t, anyName)
		}
		return set
	}
}

func newEndpoints(r *Router, t *table, anyName bool) *engine.Endpoints {
	set := &engine.Endpoints{
		Routes: len(t.routes), Folders: t.folders(), First: map[string]bool{},
		Has: r.has, LeadsTo: t.leadsTo,
	}
	for first, routes := range t.byFirst {
		set.First[first] = len(routes) > 0
	}
	for _, rt := range t.routes {
		set.Patterns = append(set.Patterns, rt.pattern.path())
	}
	slices.Sort(set.Patterns)
	set.Patterns = slices.Compact(set.Patterns) // a path may have several methods
	deliverable := &table{}
	for _, rt := range t.routes {
		if err := rt.pattern.checkDeliverable(); err != nil && !anyName {
			set.Undeliverable = append(set.Undeliverable, fmt.Errorf(
				"syftevent: endpoint %q (registered at %s): %w; set Server.AllowAnyName if the server does not run under SyftBox",
				rt.pattern.text, rt.site, err))
			continue
		}
		deliverable.routes = append(deliverable.routes, rt)
	}
	set.Deliverable = deliverable.folders()
	set.Schema = deliverable.schema
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
