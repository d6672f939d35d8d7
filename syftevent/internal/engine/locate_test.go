package engine

import (
	"strings"
	"testing"
)

func TestLocate(t *testing.T) {
	registered := func(endpoint string) bool { return strings.HasPrefix(endpoint, "/items/") || endpoint == "/echo" }
	for dir, want := range map[string]location{
		"echo/a@b.c":             {endpoint: "/echo", sender: "a@b.c"},
		"other/a@b.c":            {endpoint: "/other", sender: "a@b.c"},
		"echo":                   {endpoint: "/echo"},
		"items/1":                {endpoint: "/items/1"},
		"other":                  {},
		"echo/a@b":               {},
		"echo/a\u200bb@c.d":      {},
		"items/a\u200bb@c.d":     {}, // the pattern of an endpoint does not make it one
		"items/" + ".a@b.c":      {},
		"items/a\u202eb@c.d/x@y": {endpoint: "/items/a\u202eb@c.d/x@y"},
	} {
		if got, ok := locate(dir, registered); got != want || ok != (want != location{}) {
			t.Errorf("%q: %+v, %v; want %+v", dir, got, ok, want)
		}
	}
}
