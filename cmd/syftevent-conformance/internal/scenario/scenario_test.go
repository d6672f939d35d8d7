package scenario

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

func all(t *testing.T) []Scenario {
	t.Helper()
	list, err := All()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatal("no scenarios")
	}
	return list
}

func TestEveryRequirementIsCoveredOrListed(t *testing.T) {
	covered := map[string]bool{}
	for _, s := range all(t) {
		for _, r := range s.Covers {
			covered[r.ID] = true
		}
	}
	untestable, err := Untestable()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range spec.Requirements() {
		_, listed := untestable[r.ID]
		switch {
		case covered[r.ID] && listed:
			t.Errorf("%s is covered, and listed in untestable.txt", r.ID)
		case !covered[r.ID] && !listed:
			t.Errorf("%s (%s) is neither covered nor listed in untestable.txt", r.ID, r.Level)
		}
	}
}

var idPattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// A condition such as [short] panics outside of a test, and "exec &" leaks processes. A
// failed exists, cmp, stdout or grep would not be reported as the server's failure.
var forbidden = regexp.MustCompile(`(?m)^(! *)?(\[|skip|exec|wait|kill|stop|sleep|rm |exists|cmp|grep|stdout|stderr)`)

func TestScenariosAreShortAndPlain(t *testing.T) {
	for _, s := range append(all(t), smoke(t)...) {
		if !idPattern.MatchString(s.ID) {
			t.Errorf("%s: id is not kebab case", s.ID)
		}
		if n := strings.Count(string(s.Script), "\n"); n > 40 {
			t.Errorf("%s: %d lines, want 40 at most", s.ID, n)
		}
		if found := forbidden.FindString(string(txtar.Parse(s.Script).Comment)); found != "" {
			t.Errorf("%s: line begins with %q", s.ID, found)
		}
	}
}

func TestSelect(t *testing.T) {
	list := all(t)
	first, last := list[0], list[len(list)-1]
	got, err := Select(list, []string{last.ID, first.Covers[0].ID})
	if err != nil {
		t.Fatal(err)
	}
	ids := func(list []Scenario) (ids []string) {
		for _, s := range list {
			ids = append(ids, s.ID)
		}
		return ids
	}
	if !slices.Contains(ids(got), first.ID) || !slices.Contains(ids(got), last.ID) {
		t.Errorf("selected %v", ids(got))
	}
	if got, err := Select(list, []string{"publish-*"}); err != nil || len(got) < 2 || len(got) == len(list) {
		t.Errorf("publish-* selects %v, %v", ids(got), err)
	}
	for _, selector := range []string{"no-such-id", "[", ""} {
		if got, err := Select(list, []string{first.ID, selector}); err == nil {
			t.Errorf("%q selects %v", selector, ids(got))
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, script := range []string{
		"server start\n",
		"# A summary.\n",
		"# covers: publish-whole\n",
		"# A summary.\n# covers: no-such-requirement\n",
		"# A summary.\n# covers: publish-whole, publish-nudge\n",
		"# A summary.\n# covers: publish-whole\n# level: SHOULD\n",
		"# A summary.\n# covers: publish-whole\n# reuse: maybe\n",
		"# A summary.\n# covers: publish-whole\n# always: no doubt\n",
		"# A summary.\n# covers: publish-whole\n# beside: them\n",
		"# A summary.\n# covers: publish-whole\n# always: yes\nserver start\n",
	} {
		if s, err := parse("x", []byte(script)); err == nil {
			t.Errorf("%q is accepted as %+v", script, s)
		}
	}
}

func smoke(t *testing.T) []Scenario {
	t.Helper()
	list, err := Smoke()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatal("no smoke checks")
	}
	return list
}

// A run names files after its scenarios, and "explain" finds an id among all of them.
func TestSmokeChecksHaveTheirPrefix(t *testing.T) {
	for _, s := range smoke(t) {
		if !strings.HasPrefix(s.ID, "smoke-") || s.Class() != "core" || len(s.Covers) > 0 {
			t.Errorf("%s: class %s, covers %v", s.ID, s.Class(), s.Covers)
		}
	}
}

func TestParseSmoke(t *testing.T) {
	s, err := parseSmoke("smoke-x", []byte("# /x does {\"a\": 1}.\n# feature: f\n# level: SHOULD\nserver start\n"))
	if err != nil || s.Summary != `/x does {"a": 1}.` || s.Feature != "f" || s.Level() != spec.Should {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := parseSmoke("smoke-x", []byte("# It does.\n")); err != nil || s.Level() != spec.Must {
		t.Errorf("%+v, %v", s, err)
	}
	for _, script := range []string{"server start\n", "# x\n# covers: publish-whole\n", "# x\n# level: MAY\n"} {
		if s, err := parseSmoke("smoke-x", []byte(script)); err == nil {
			t.Errorf("%q is accepted as %+v", script, s)
		}
	}
}
