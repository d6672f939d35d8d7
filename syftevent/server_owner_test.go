package syftevent

import (
	"context"
	"testing"
)

func TestFoldersHaveOwners(t *testing.T) {
	router := NewRouter()
	for _, pattern := range []string{"/echo", "/a/b/c", "/items/{id}", "/x@example.com/y"} {
		router.OnRequest(pattern, func(context.Context, *Request) (*Response, error) { return nil, nil })
	}
	s := &runningServer{endpoints: router.endpoints(false)}
	for dir, want := range map[string]struct {
		owner       string
		own, wanted bool
	}{
		".":                         {"", false, true},
		"echo":                      {"", true, true},
		"echo/a@example.com":        {"a@example.com", false, true},
		"echo/a@example.com/deeper": {"", false, false},
		"a":                         {"", true, true},
		"a/b":                       {"", true, true},
		"a/other":                   {"", false, false},
		"other":                     {"", false, false},
		"other/a@example.com":       {"a@example.com", false, false},
		"items":                     {"", true, true},
		"items/7":                   {"", false, true},
		"items/7/b@c.d":             {"b@c.d", false, true},
		"x@example.com":             {"x@example.com", true, true},
		"x@example.com/y":           {"", true, true},
		"x@example.com/y/b@c.d":     {"b@c.d", false, true},
		"@/a@b/@c.d":                {"", false, false},
	} {
		if owner, own, wanted := s.owner(dir), s.own(dir), s.wanted(dir); owner != want.owner || own != want.own || wanted != want.wanted {
			t.Errorf("%s: owner %q, own %v, wanted %v; want %+v", dir, owner, own, wanted, want)
		}
	}
}
