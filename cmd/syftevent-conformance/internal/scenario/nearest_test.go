package scenario

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNearest(t *testing.T) {
	ids := []string{"publish-whole", "publish-faithful", "publish-whole", "proc-once", "read-whole", "identity-id"}
	for _, test := range []struct {
		id   string
		want []string
	}{
		{"publish-hole", []string{"publish-whole"}},
		{"Publish-Whole", []string{"publish-whole"}},
		{"publish", []string{"publish-whole", "publish-faithful"}},
		{"whole", []string{"read-whole", "publish-whole"}},
		{"proc-one", []string{"proc-once"}},
		{"zzz", nil},
		{"", nil},
	} {
		if diff := cmp.Diff(test.want, Nearest(test.id, ids)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.id, diff)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0},
		{"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"ab", "ba", 2},
	} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("%q, %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
