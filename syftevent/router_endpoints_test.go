package syftevent

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRouterDescribesItsEndpoints(t *testing.T) {
	router := NewRouter()
	add := func(pattern string) {
		router.OnRequest(pattern, func(context.Context, *Request) (*Response, error) { return nil, nil })
	}
	for _, pattern := range []string{"/echo", "/a/b/c", "/items/{id}", "/x@example.com/y"} {
		add(pattern)
	}
	endpoints := router.endpoints(false)
	set := endpoints()
	if diff := cmp.Diff([]string{"/a/b/c", "/echo", "/items", "/x@example.com/y"}, set.Folders); diff != "" {
		t.Errorf("folders (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]bool{"echo": true, "a": true, "items": true, "x@example.com": true}, set.First); diff != "" {
		t.Errorf("first segments (-want +got):\n%s", diff)
	}
	for endpoint, want := range map[string]bool{
		"/echo": true, "/a": true, "/a/b": true, "/items": true, "/items/7": true, "/x@example.com": true,
		"/": true, "/other": false, "/a/other": false, "/items/7/8": false, "/echo/more": false,
	} {
		if set.LeadsTo(endpoint) != want {
			t.Errorf("%s leads to a route: %v", endpoint, !want)
		}
	}
	if endpoints() != set {
		t.Error("other endpoints, though no route was added")
	}
	if add("/more"); endpoints() == set || !endpoints().Has("/more") {
		t.Error("the same endpoints after a route was added")
	}
}
