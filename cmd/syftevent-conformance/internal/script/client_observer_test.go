package script

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestClientObserverFindsViolations(t *testing.T) {
	type step struct{ act, name, content string }
	for name, test := range map[string]struct {
		steps []step
		want  map[string]string
	}{
		"a call": {[]step{
			{"client", "e/me/.syftkeep", ""}, {"client", "e/me/.1.tmp", "{"}, {"client", "e/me/1.request", "{}"},
			{"suite", "e/me/1.response", "{"}, {"suite", "e/me/1.response", "{}"}, {"client", "e/me/1.request", "-"}, {"client", "e/me/1.response", "-"},
		}, nil},
		"half of a request":      {[]step{{"client", "e/me/1.request", "{"}}, map[string]string{AlwaysRequestWhole: "e/me/1.request"}},
		"another folder":         {[]step{{"client", "e/you/1.request", "{}"}}, map[string]string{AlwaysRequestNamed: "e/you/1.request"}},
		"a temporary name":       {[]step{{"client", "e/me/1.request.part", ""}}, map[string]string{AlwaysRequestNamed: "e/me/1.request.part"}},
		"a file of the scenario": {[]step{{"client", "e/me/planted.response", "{"}}, nil},
		"the response first": {[]step{
			{"client", "e/me/1.request", "{}"}, {"suite", "e/me/1.response", "{}"}, {"client", "e/me/1.response", "-"}, {"client", "e/me/1.request", "-"},
		}, map[string]string{AlwaysOrdered: "e/me/1.response"}},
		"removed by the suite": {[]step{
			{"client", "e/me/1.request", "{}"}, {"suite", "e/me/1.response", "{}"}, {"suite", "e/me/1.response", "-"},
		}, nil},
		"a delivery by the blob store": {[]step{
			{"client", "e/me/1.request", "{}"}, {"suite", "e/me/1.response", "{}"}, {"client", "e/me/1.response.tmp.12", "{"},
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "e/me/0.response", "{")
			o := newClientObserver(dir, "me", func(base string) bool { return strings.HasPrefix(base, "planted") })
			o.look("e/me/0.response") // it was there before
			for _, s := range test.steps {
				if s.content != "-" {
					if s.act == "suite" {
						o.place(s.name)
					}
					write(t, dir, s.name, s.content)
					o.look(s.name)
					continue
				}
				if s.act == "suite" {
					o.remove(s.name)
				}
				if err := os.Remove(filepath.Join(dir, s.name)); err != nil {
					t.Fatal(err)
				}
				o.forget(s.name, false)
			}
			got := map[string]string{}
			for invariant, failure := range o.violations() {
				got[invariant] = failure.Line
			}
			if test.want == nil {
				test.want = map[string]string{}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
