package fakebox_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/fakebox"
)

// usualPermissions is the file that every server of the protocol writes.
const usualPermissions = `
rules:
- pattern: rpc.schema.json
  access:
    read:
    - '*'
- pattern: '**/{{.UserEmail}}/*.request'
  access:
    read:
    - 'USER'
    write:
    - 'USER'
- pattern: '**/{{.UserEmail}}/*.response'
  access:
    read:
    - 'USER'
    write:
    - 'USER'
`

func TestAllows(t *testing.T) {
	rules, err := fakebox.ParsePermissions([]byte(usualPermissions))
	if err != nil {
		t.Fatal(err)
	}
	user := []string{"USER"}
	want := []fakebox.Rule{
		{Pattern: "rpc.schema.json", Read: []string{"*"}},
		{Pattern: "**/{{.UserEmail}}/*.request", Read: user, Write: user},
		{Pattern: "**/{{.UserEmail}}/*.response", Read: user, Write: user},
	}
	if diff := cmp.Diff(want, rules); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	const alice = "alice@example.com"
	tests := []struct {
		path        string
		read, write bool
	}{
		{"rpc.schema.json", true, false},
		{"echo/alice@example.com/1.request", true, true},
		{"v1/users/alice@example.com/1.response", true, true},
		{"alice@example.com/1.request", true, true},
		{"echo/1.request", false, false},
		{"echo/bob@example.com/1.request", false, false},
		{"echo/alice@example.com/deep/1.request", false, false},
		{"echo/alice@example.com/1.txt", false, false},
		{"echo/Alice@Example.com/1.request", false, false},
		{"echo/aliceXexample.com/1.request", false, false},
	}
	for _, test := range tests {
		if read, write := fakebox.Allows(rules, alice, test.path, false), fakebox.Allows(rules, alice, test.path, true); read != test.read || write != test.write {
			t.Errorf("%s: got read %v, write %v; want read %v, write %v", test.path, read, write, test.read, test.write)
		}
	}
}

func TestParsePermissionsRejectsOtherYAML(t *testing.T) {
	for text, line := range map[string]string{
		"":                            "rules:",
		"acls:\n":                     "line 1",
		"rules:\n- path: x\n":         "line 2",
		"rules:\n  access:\n":         "line 2",
		"rules:\n- pattern: x\n  a\n": "line 3",
		"rules:\n- pattern: x\n  access:\n    - USER\n": "line 4",
	} {
		if rules, err := fakebox.ParsePermissions([]byte(text)); err == nil || !strings.Contains(err.Error(), line) {
			t.Errorf("%q: got %v, error %v; want an error with %q", text, rules, err, line)
		}
	}
	if rules, err := fakebox.ParsePermissions([]byte("# none\nrules: []\n")); err != nil || len(rules) != 0 {
		t.Errorf("no rules: got %v, error %v", rules, err)
	}
}

func TestParsePermissionsAcceptsBracketsAndJSON(t *testing.T) {
	want := []fakebox.Rule{{Pattern: "*.request", Read: []string{"USER", "a@example.com"}, Write: []string{"USER"}}}
	for _, text := range []string{
		"rules:\n- pattern: '*.request'\n  access:\n    read: ['USER', \"a@example.com\"]\n    write: [USER]\n",
		`{"rules": [{"pattern": "*.request", "access": {"read": ["USER", "a@example.com"], "write": ["USER"]}}]}`,
	} {
		got, err := fakebox.ParsePermissions([]byte(text))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", text, err, diff)
		}
	}
	for _, text := range []string{`{"rules": 7}`, "rules:\n- pattern: x\n  access:\n    read: [USER\n"} {
		if got, err := fakebox.ParsePermissions([]byte(text)); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}
