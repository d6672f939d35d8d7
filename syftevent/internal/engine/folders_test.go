package engine

import (
	"log/slog"
	"path"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/syftevent/internal/loglimit"
)

func TestFoldersHaveOwners(t *testing.T) {
	endpoints := &Endpoints{
		Folders: []string{"/echo", "/a/b/c", "/items", "/x@example.com/y"},
		First:   map[string]bool{"echo": true, "a": true, "items": true, "x@example.com": true},
		LeadsTo: func(endpoint string) bool {
			for _, route := range []string{"/echo", "/a/b/c", "/x@example.com/y"} {
				if strings.HasPrefix(route+"/", endpoint+"/") {
					return true
				}
			}
			return endpoint == "/" || endpoint == "/items" || path.Dir(endpoint) == "/items"
		},
	}
	s := New(Options{Concurrency: 1, Log: loglimit.New(slog.DiscardHandler), Endpoints: func() *Endpoints { return endpoints }})
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
