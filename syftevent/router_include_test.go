package syftevent

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func prefixing(name string) Middleware {
	return func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, req *Request) (*Response, error) {
			response, err := next.ServeSyft(ctx, req)
			response.Body = append([]byte(name+" "), response.Body...)
			return response, err
		})
	}
}

func TestIncludeAddsPresentAndFutureRoutes(t *testing.T) {
	top, middle, leaf := NewRouter(), NewRouter(), NewRouter()
	leaf.Handle("GET /before", answerWith("before"))
	middle.Include("/leaf", leaf)
	top.Include("/v1/{tenant}/", middle)
	top.Include("/again", middle)
	leaf.Handle("/after/{id}", answerWith("after"))
	for endpoint, want := range map[string]string{
		"/v1/acme/leaf/before": "before", "/v1/acme/leaf/after/7": "after", "/again/leaf/before": "before",
	} {
		if got := serve(t, top, "GET", endpoint); string(got.Body) != want {
			t.Errorf("%s: %d %q, want %q", endpoint, got.StatusCode, got.Body, want)
		}
	}
	var patterns []string
	for _, route := range top.Routes() {
		patterns = append(patterns, route.Method+" "+route.Pattern)
	}
	want := "GET /v1/{tenant}/leaf/before, GET /again/leaf/before,  /v1/{tenant}/leaf/after/{id},  /again/leaf/after/{id}"
	if got := strings.Join(patterns, ", "); got != want {
		t.Errorf("routes %s, want %s", got, want)
	}
}

func TestIncludeWrapsInnerMiddlewareInOuter(t *testing.T) {
	top, leaf := NewRouter(), NewRouter()
	leaf.Handle("/a", answerWith("handler"))
	top.Include("/", leaf)
	top.Use(prefixing("top"))
	leaf.Use(prefixing("leaf"))
	leaf.Handle("/b", answerWith("handler"))
	for _, endpoint := range []string{"/a", "/b"} {
		if got := serve(t, top, "GET", endpoint); string(got.Body) != "top leaf handler" {
			t.Errorf("%s: %q", endpoint, got.Body)
		}
		if got := serve(t, leaf, "GET", endpoint); string(got.Body) != "leaf handler" {
			t.Errorf("leaf %s: %q", endpoint, got.Body)
		}
	}
}

func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		if message := fmt.Sprint(recover()); !strings.Contains(message, want) || !strings.Contains(message, "_test.go:") {
			t.Errorf("panic %q, want one with %q and the call site", message, want)
		}
	}()
	f()
}

func TestIncludeRefusesConflicts(t *testing.T) {
	top, leaf := NewRouter(), NewRouter()
	top.Handle("/v1/a", answerWith(""))
	top.Include("/v1", leaf)
	mustPanic(t, "conflicts with", func() { leaf.Handle("/a", answerWith("")) })
	if len(leaf.Routes()) != 0 {
		t.Error("a route that conflicts above was added below")
	}
	users := NewRouter()
	users.Handle("/posts/{id}", answerWith(""))
	mustPanic(t, `duplicate wildcard "id"`, func() { top.Include("/users/{id}", users) })
	users.Handle("/fine", answerWith("")) // and is not included
	if len(top.Routes()) != 1 {
		t.Errorf("routes %v", top.Routes())
	}
	// A router may be included under several prefixes, but only once under each.
	diamond, a, b, once := NewRouter(), NewRouter(), NewRouter(), NewRouter()
	a.Include("/", once)
	b.Include("/", once)
	diamond.Include("/x", a)
	diamond.Include("/x", b)
	mustPanic(t, "conflicts with", func() { once.Handle("/y", answerWith("")) })
	if n := len(once.Routes()) + len(a.Routes()) + len(diamond.Routes()); n != 0 {
		t.Errorf("%d routes were added all the same", n)
	}
	mustPanic(t, "itself", func() { leaf.Include("/", top) })
	mustPanic(t, "itself", func() { top.Include("/", top) })
	mustPanic(t, "bad prefix", func() { top.Include("/x/**", NewRouter()) })
	mustPanic(t, "bad prefix", func() { top.Include("GET /x", NewRouter()) })
	mustPanic(t, "bad pattern", func() { top.Include("x", NewRouter()) })
	mustPanic(t, "is nil", func() { top.Include("/x", nil) })
	mustPanic(t, "is nil", func() { top.Handle("/x", nil) })
	mustPanic(t, "is nil", func() { top.Handle("/x", Describe("", nil)) })
}

func TestRoutesCanBeAddedWhileRunning(t *testing.T) {
	top, leaf := NewRouter(), NewRouter()
	top.Handle("/a", answerWith("a"))
	top.Include("/leaf", leaf)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 200 {
			leaf.Handle(fmt.Sprintf("/%d", i), answerWith("new"))
		}
		top.Use(prefixing("late"))
	}()
	for range 200 {
		if got := serve(t, top, "GET", "/a"); got.StatusCode != 200 {
			t.Fatalf("status %d", got.StatusCode)
		}
	}
	<-done
	if got := serve(t, top, "GET", "/leaf/199"); string(got.Body) != "late new" {
		t.Errorf("%q", got.Body)
	}
}
