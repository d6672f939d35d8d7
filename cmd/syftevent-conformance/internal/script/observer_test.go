package script

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const whole = `{"status_code": 200}`

// violated returns the invariants that are violated by what act does in a folder, which is "rpc".
func violated(t *testing.T, act func(dir string, o *serverObserver)) map[string]string {
	t.Helper()
	dir := t.TempDir()
	o := newServerObserver(dir, func(base string) bool { return strings.HasPrefix(base, "planted") })
	act(dir, o)
	o.confirm()
	at := map[string]string{}
	for invariant, failure := range o.violations() {
		at[invariant] = failure.Line
	}
	return at
}

func TestObserverFindsViolations(t *testing.T) {
	type files map[string]string // content by name
	for name, test := range map[string]struct {
		states []files // one after the other; "-" means that the file is removed
		want   map[string]string
	}{
		"a pair":                           {[]files{{"e/1.request": "{}"}, {"e/1.response": whole}, {"e/1.response": whole}}, nil},
		"files that SyftBox ignores":       {[]files{{"e/.syftkeep": "", "e/x.tmp": "", "e/1.conflict.20260102030405.response": ""}}, nil},
		"files removed while open":         {[]files{{"e/.fuse_hidden0000490100000007": "", ".nfs0001": ""}}, nil},
		"files of the scenario":            {[]files{{"planted.txt": "", "planted.response": ""}}, nil},
		"an empty response":                {[]files{{"1.request": "{}"}, {"1.response": ""}}, map[string]string{AlwaysWhole: "1.response"}},
		"a part of a response":             {[]files{{"1.request": "{}"}, {"1.response": whole[:9]}}, map[string]string{AlwaysWhole: "1.response"}},
		"a response that is no object":     {[]files{{"1.request": "{}"}, {"1.response": "[]"}}, map[string]string{AlwaysWhole: "1.response"}},
		"another response":                 {[]files{{"1.request": "{}"}, {"1.response": whole}, {"1.response": whole + " "}}, map[string]string{AlwaysFinal: "1.response"}},
		"a response published again":       {[]files{{"1.request": "{}"}, {"1.response": whole}, {"1.response": "-"}, {"1.response": whole + " "}}, nil},
		"a response whose request is away": {[]files{{"1.request": "{}"}, {"1.request": "-"}, {"1.response": whole}}, nil},
		"a response elsewhere":             {[]files{{"2.response": whole}}, nil}, // that is for publish-beside
		"a temporary response":             {[]files{{"1.tmp.response": whole}, {"1.tmp.response": "-"}}, map[string]string{AlwaysNamed: "1.tmp.response"}},
		"a temporary name":                 {[]files{{"1.response.part": ""}}, map[string]string{AlwaysNamed: "1.response.part"}},
		"permissions in pieces":            {[]files{{"syft.pub.yaml": "rules:"}, {"syft.pub.yaml": "rules: []"}}, map[string]string{AlwaysLayout: "syft.pub.yaml"}},
		"permissions replaced":             {[]files{{"syft.pub.yaml": "rules: [1]"}, {"syft.pub.yaml": "rules: []"}, {"syft.pub.yaml": "rules: []"}}, nil},
		"an empty schema at first":         {[]files{{"rpc.schema.json": ""}, {"rpc.schema.json": "{}"}}, map[string]string{AlwaysLayout: "rpc.schema.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := violated(t, func(dir string, o *serverObserver) {
				for _, state := range test.states {
					for name, content := range state {
						if content != "-" {
							write(t, dir, name, content)
							o.look(name)
							continue
						}
						if err := os.Remove(filepath.Join(dir, name)); err != nil {
							t.Fatal(err)
						}
						o.forget(name, false)
					}
				}
			})
			if test.want == nil {
				test.want = map[string]string{}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestObserverWantsReadableResponses(t *testing.T) {
	got := violated(t, func(dir string, o *serverObserver) {
		write(t, dir, "1.request", "{}")
		o.look("1.request")
		write(t, dir, "1.response", whole)
		if err := os.Chmod(filepath.Join(dir, "1.response"), 0); err != nil {
			t.Fatal(err)
		}
		o.look("1.response")
	})
	if _, ok := got[AlwaysReadable]; !ok {
		t.Errorf("violated: %v", got)
	}
}

// The removal of a response is known only after its successor was read.
func TestObserverWaitsForRemovals(t *testing.T) {
	got := violated(t, func(dir string, o *serverObserver) {
		for _, content := range []string{whole, whole + " "} {
			write(t, dir, "e/1.request", "{}")
			o.look("e/1.request")
			write(t, dir, "e/1.response", content)
			o.look("e/1.response")
		}
		o.forget("e", true)
	})
	if len(got) > 0 {
		t.Errorf("violated: %v", got)
	}
}
