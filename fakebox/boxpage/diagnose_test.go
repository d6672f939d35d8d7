package boxpage

import "testing"

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, endpoint string
		want              bool
	}{
		{"/hello", "/hello", true}, {"/hello", "/hello/ann", false}, {"/hello/{name}", "/hello/ann", true},
		{"/hello/{name}", "/hello", false}, {"/hello/{name}", "/hello/ann/x", false}, {"/*/x", "/a/x", true},
		{"/files/{path...}", "/files", true}, {"/files/**", "/files/a/b", true}, {"/**", "/", true}, {"/a", "/b", false},
	} {
		if got := matches(test.pattern, test.endpoint); got != test.want {
			t.Errorf("%s, %s: %v", test.pattern, test.endpoint, got)
		}
	}
}
