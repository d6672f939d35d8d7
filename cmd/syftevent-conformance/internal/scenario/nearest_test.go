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
