package syftevent

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseURL(t *testing.T) {
	tests := []struct {
		text          string
		want          URL
		app, endpoint string
	}{
		{"syft://bob@example.com/app_data/chat/rpc/messages", URL{Datasite: "bob@example.com", Path: "/app_data/chat/rpc/messages"}, "chat", "/messages"},
		{"syft://bob@example.com/app_data/api/rpc/v1/users?q=ü&x#top", URL{"bob@example.com", "/app_data/api/rpc/v1/users", "q=ü&x", "top"}, "api", "/v1/users"},
		{"syft://bob@example.com/app_data/api/rpc//v1/users/", URL{Datasite: "bob@example.com", Path: "/app_data/api/rpc//v1/users/"}, "api", "/v1/users"},
		{"syft://bob@example.com/app_data/api/rpc", URL{Datasite: "bob@example.com", Path: "/app_data/api/rpc"}, "api", "/"},
		{"syft://bob@example.com/app_data/api", URL{Datasite: "bob@example.com", Path: "/app_data/api"}, "api", ""},
		{"syft://bob@example.com/public/x", URL{Datasite: "bob@example.com", Path: "/public/x"}, "", ""},
		{"syft://bob@example.com", URL{Datasite: "bob@example.com"}, "", ""},
		{"syft://b.o+b_1@ex-ample.co.uk/a;x=1", URL{Datasite: "b.o+b_1@ex-ample.co.uk", Path: "/a;x=1"}, "", ""},
	}
	for _, test := range tests {
		got, err := ParseURL(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.text, diff)
		}
		if got.String() != test.text || got.App() != test.app || got.Endpoint() != test.endpoint {
			t.Errorf("%s: String %q, App %q, Endpoint %q", test.text, got, got.App(), got.Endpoint())
		}
	}
	for _, text := range []string{"", "http://bob@example.com/", "SYFT://bob@example.com/", "syft://bob/", "syft://bob@example/",
		"syft://bob@example.com:80/", "syft://bob@example.com?q", "syft://bob@example.com/\n", "syft://@example.com/", "syft:///x"} {
		if u, err := ParseURL(text); err == nil {
			t.Errorf("ParseURL(%q) = %+v, want an error", text, u)
		}
	}
}

func TestMakeURL(t *testing.T) {
	u, err := MakeURL("bob@example.com", "chat", "messages/")
	if want := "syft://bob@example.com/app_data/chat/rpc/messages"; err != nil || u.String() != want {
		t.Errorf("%v, %v; want %s", u, err, want)
	}
	u, err = MakeURL("bob@example.com", "chat", "/find/?url=https://a.org/#a//b/")
	if want := "syft://bob@example.com/app_data/chat/rpc/find?url=https://a.org/#a//b/"; err != nil || u.String() != want {
		t.Errorf("%v, %v; want %s", u, err, want)
	}
	for _, test := range [][3]string{{"bob", "chat", "/x"}, {"bob@example.com/y", "chat", "/x"}, {"bob@example.com", "", "/x"}, {"bob@example.com", "a/b", "/x"}, {"bob@example.com", "..", "/x"}, {"bob@example.com", "chat", "/../../x"}} {
		if u, err := MakeURL(test[0], test[1], test[2]); err == nil {
			t.Errorf("MakeURL(%q) = %v, want an error", test, u)
		}
	}
}

func TestLocalPathStaysInTheDatasites(t *testing.T) {
	root := filepath.FromSlash("/data/datasites")
	u, _ := ParseURL("syft://bob@example.com/app_data//chat/rpc/a%20b?q=1")
	got, err := u.LocalPath(root)
	if want := filepath.FromSlash("/data/datasites/bob@example.com/app_data/chat/rpc/a%20b"); err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	for _, u := range []URL{
		{Datasite: "bob@example.com", Path: "/../../etc"},
		{Datasite: "bob@example.com", Path: "/a/./b"},
		{Datasite: "bob@example.com", Path: "/a\x00b"},
		{Datasite: "../bob@example.com", Path: "/a"},
		{Datasite: "/etc", Path: "/a"},
		{Path: ""},
	} {
		if got, err := u.LocalPath(root); err == nil {
			t.Errorf("%+v leads to %s", u, got)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	f.Add("syft://bob@example.com/app_data/chat/rpc/messages?q=1#top")
	f.Add("syft://bob@example.com//../..")
	root := filepath.FromSlash("/data/datasites")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseURL(text)
		if err != nil {
			return
		}
		again, err := ParseURL(u.String())
		if err != nil || again != u {
			t.Errorf("%q is written %q and read again as %+v, %v", text, u, again, err)
		}
		local, err := u.LocalPath(root)
		if err != nil {
			return
		}
		if inside, err := filepath.Rel(root, local); err != nil || !filepath.IsLocal(inside) || inside == "." {
			t.Errorf("%q leads to %q", text, local)
		}
	})
}
