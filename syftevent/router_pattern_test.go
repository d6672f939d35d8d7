package syftevent

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustParse(t *testing.T, text string) *pattern {
	t.Helper()
	p, err := parsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPatternMatch(t *testing.T) {
	tests := []struct {
		pattern, path string
		want          map[string]string // nil: no match
	}{
		{"/users", "users", map[string]string{}},
		{"/users/", "users", map[string]string{}},
		{"/users", "users/1", nil},
		{"/users/{id}", "users", nil},
		{"/users/{id}", "users/1", map[string]string{"id": "1"}},
		{"/users/{email}/profile", "users/bob@example.com/profile", map[string]string{"email": "bob@example.com"}},
		{"/*/b/*", "a/b/c", map[string]string{"*": "a"}},
		{"/api/**", "api", map[string]string{"**": ""}},
		{"/api/**", "api/v1/users", map[string]string{"**": "v1/users"}},
		{"/api/**", "apis", nil},
		{"/{rest...}", "", map[string]string{"rest": ""}},
		{"/files/{id}/{path...}", "files/7/a/b", map[string]string{"id": "7", "path": "a/b"}},
		{"/", "", map[string]string{}},
		{"/", "a", nil},
	}
	for _, test := range tests {
		var path []string
		if test.path != "" {
			path = strings.Split(test.path, "/")
		}
		p := mustParse(t, test.pattern)
		if got := p.matchPath(path); got != (test.want != nil) {
			t.Errorf("%q matches %q: %v", test.pattern, test.path, got)
			continue
		}
		if test.want == nil {
			continue
		}
		got := p.values(path)
		if got == nil {
			got = map[string]string{}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("values of %q in %q (-want +got):\n%s", test.pattern, test.path, diff)
		}
	}
}

func TestParsePatternRefuses(t *testing.T) {
	for _, text := range []string{
		"", "users", "FETCH /users", "GET users", "GET", "/{", "/{}", "/{id", "/a{id}", "/{id}b", "/{1}", "/{a-b}",
		"/{a...}/b", "/**/b", "/a*", "/{$}", "/{a}/{a}", "/../etc", "/./a", "/a\x00b", "/{**}", "get /users",
	} {
		if p, err := parsePattern(text); err == nil {
			t.Errorf("parsePattern(%q) = %+v, want an error", text, p)
		}
	}
}

func TestPatternCompare(t *testing.T) {
	tests := []struct {
		p, q string
		want relation
	}{
		{"/a", "/a", equal},
		{"/a", "/a/", equal},
		{"/{x}", "/{y}", equal},
		{"/{x}", "/*", equal},
		{"/{x...}", "/**", equal},
		{"/a", "/b", disjoint},
		{"/a", "/a/b", disjoint},
		{"/a", "/{x}", narrower},
		{"/a/{x}", "/a/**", narrower},
		{"/a", "/a/**", narrower},
		{"/a/b/**", "/a/**", narrower},
		{"/a/{x}", "/{x}/b", overlaps},
		{"/a/**", "/{x}", overlaps},
		{"/a/**", "/{x}/b", overlaps},
		{"GET /a", "/a", narrower},
		{"GET /a", "POST /a", disjoint},
		{"HEAD /a", "GET /a", narrower},
		{"GET /{x}", "/a", overlaps},
		{"GET /a", "/{x}", narrower},
		{"GET /a", "POST /{x}", disjoint},
	}
	mirrored := map[relation]relation{narrower: wider, wider: narrower}
	for _, test := range tests {
		p, q := mustParse(t, test.p), mustParse(t, test.q)
		if got := p.compare(q); got != test.want {
			t.Errorf("%q to %q: %d, want %d", test.p, test.q, got, test.want)
		}
		want := test.want
		if m, ok := mirrored[want]; ok {
			want = m
		}
		if got := q.compare(p); got != want {
			t.Errorf("%q to %q: %d, want %d", test.q, test.p, got, want)
		}
	}
}

// The expected relation is determined by trying every short path and method.
func TestPatternCompareAgreesWithMatching(t *testing.T) {
	segments := []string{"a", "b", "{x}"}
	var texts []string
	for _, method := range []string{"", "GET ", "HEAD ", "POST "} {
		texts = append(texts, method+"/", method+"/**")
		for _, s := range segments {
			texts = append(texts, method+"/"+s, method+"/"+s+"/**")
			for _, s2 := range segments {
				if s2 == "{x}" {
					s2 = "{y}"
				}
				texts = append(texts, method+"/"+s+"/"+s2, method+"/"+s+"/"+s2+"/**")
			}
		}
	}
	names := []string{"a", "b", "c"}
	paths := [][]string{nil}
	for level, from := 0, 0; level < 3; level++ {
		to := len(paths)
		for _, path := range paths[from:to] {
			for _, name := range names {
				paths = append(paths, append(append([]string{}, path...), name))
			}
		}
		from = to
	}
	for _, pText := range texts {
		for _, qText := range texts {
			p, q := mustParse(t, pText), mustParse(t, qText)
			var both, onlyP, onlyQ bool
			for _, path := range paths {
				pPath, qPath := p.matchPath(path), q.matchPath(path)
				for _, method := range methods {
					inP, inQ := pPath && p.matchMethod(method), qPath && q.matchMethod(method)
					both, onlyP, onlyQ = both || inP && inQ, onlyP || inP && !inQ, onlyQ || inQ && !inP
				}
			}
			want := overlaps
			switch {
			case !both:
				want = disjoint
			case !onlyP && !onlyQ:
				want = equal
			case !onlyP:
				want = narrower
			case !onlyQ:
				want = wider
			}
			if got := p.compare(q); got != want {
				t.Errorf("%q to %q: %d, want %d", pText, qText, got, want)
			}
		}
	}
}

func FuzzParsePattern(f *testing.F) {
	for _, seed := range []string{"/users", "GET /users/{id}", "/api/**", "/files/{path...}", "/*/x", "HEAD  /a//b/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePattern(text)
		if err != nil {
			return
		}
		if got := p.compare(p); got != equal {
			t.Errorf("%q to itself: %d", text, got)
		}
	})
}

func answerWith(text string) HandlerFunc {
	return func(_ context.Context, req *Request) (*Response, error) { return Text(200, text), nil }
}

func serve(t *testing.T, router *Router, method, endpoint string) *Response {
	t.Helper()
	req, err := NewRequest(method, "syft://bob@example.com/app_data/app/rpc"+endpoint, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := router.ServeSyft(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestRouterPrecedence(t *testing.T) {
	router := NewRouter()
	for _, pattern := range []string{"/users/**", "/users/{id}", "GET /users/{id}", "GET /users/me", "/other/{y}/z", "POST /only", "GET /only", "/"} {
		router.Handle(pattern, answerWith(pattern))
	}
	tests := []struct{ method, endpoint, want string }{
		{"GET", "/users/me", "GET /users/me"},
		{"GET", "/users/7", "GET /users/{id}"},
		{"HEAD", "/users/7", "GET /users/{id}"},
		{"POST", "/users/7", "/users/{id}"},
		{"POST", "/users/7/", "/users/{id}"},
		{"GET", "/users", "/users/**"},
		{"GET", "/users/a/b", "/users/**"},
		{"GET", "/other/any/z", "/other/{y}/z"},
		{"GET", "", "/"},
	}
	for _, test := range tests {
		got := serve(t, router, test.method, test.endpoint)
		if string(got.Body) != test.want {
			t.Errorf("%s %s: %q, want %q", test.method, test.endpoint, got.Body, test.want)
		}
	}
	if got := serve(t, router, "DELETE", "/only"); got.StatusCode != 405 || got.Headers.Get("allow") != "GET, HEAD, POST" {
		t.Errorf("DELETE /only: %d, Allow %q", got.StatusCode, got.Headers.Get("Allow"))
	}
	if got := serve(t, router, "GET", "/nowhere"); got.StatusCode != 404 {
		t.Errorf("GET /nowhere: %d", got.StatusCode)
	}
}

func TestRouterConflictNamesBothCallSites(t *testing.T) {
	router := NewRouter()
	router.Handle("/users/{id}", answerWith(""))
	defer func() {
		message := fmt.Sprint(recover())
		if strings.Count(message, "pattern_test.go:") != 2 || !strings.Contains(message, `both match "/users/me", and neither pattern is more specific`) {
			t.Errorf("panic %q does not name both call sites, a common path and the reason", message)
		}
	}()
	router.Handle("/{kind}/me", answerWith(""))
}

func TestRouterUseWrapsOutermostFirst(t *testing.T) {
	router := NewRouter()
	mark := func(name string) Middleware {
		return func(next Handler) Handler {
			return HandlerFunc(func(ctx context.Context, req *Request) (*Response, error) {
				response, err := next.ServeSyft(ctx, req)
				response.Body = append([]byte(name+" "), response.Body...)
				return response, err
			})
		}
	}
	router.Handle("/before", answerWith("handler"))
	router.Use(mark("first"), mark("second"))
	router.Handle("/after", answerWith("handler"))
	for _, endpoint := range []string{"/before", "/after"} {
		if got := serve(t, router, "GET", endpoint); string(got.Body) != "first second handler" {
			t.Errorf("%s: %q", endpoint, got.Body)
		}
	}
}

func TestCommonRequestOfPatterns(t *testing.T) {
	for _, test := range []struct{ p, q, want string }{
		{"/a", "/a", "/a"},
		{"GET /a/{id}", "/*/b", "GET /a/b"},
		{"GET /a/{id}", "HEAD /{x}/{id}", "HEAD /a/id"},
		{"/{rest...}", "POST /a/{id}/c", "POST /a/id/c"},
		{"/a/**", "/{x}/b/**", "/a/b"},
		{"/**", "/{rest...}", "/"},
	} {
		p, q := mustParse(t, test.p), mustParse(t, test.q)
		for _, got := range []string{p.common(q), q.common(p)} {
			method, path, ok := strings.Cut(got, " ")
			if !ok {
				method, path = "GET", got
			}
			if got != test.want || !p.matchPath(splitEndpoint(path)) || !q.matchPath(splitEndpoint(path)) || !p.matchMethod(method) && ok {
				t.Errorf("%q and %q: %q, want %q", test.p, test.q, got, test.want)
			}
		}
	}
}

func TestRouterUseWrapsUnmatchedRequests(t *testing.T) {
	router := NewRouter()
	router.Use(prefixing("outer"), prefixing("inner"))
	router.HandleFunc("GET /a", func(context.Context, *Request) (*Response, error) { return Text(200, "handler"), nil })
	for _, test := range []struct {
		method, endpoint string
		status           int
		want             string
	}{
		{"GET", "/a", 200, "outer inner handler"},
		{"POST", "/a", 405, "outer inner Method POST not allowed"},
		{"GET", "/b", 404, "outer inner No such endpoint: /b"},
	} {
		got := serve(t, router, test.method, test.endpoint)
		if got.StatusCode != test.status || string(got.Body) != test.want {
			t.Errorf("%s %s: %d %q", test.method, test.endpoint, got.StatusCode, got.Body)
		}
	}
}
