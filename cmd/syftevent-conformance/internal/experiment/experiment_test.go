package experiment

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/caller"
	"github.com/syftevent/syftevent-go/fakebox"
)

func TestTableIsSound(t *testing.T) {
	names := map[string]bool{}
	pattern := regexp.MustCompile(`^[a-z0-9-]+$`)
	for _, e := range Table() {
		if names[e.Name] || !pattern.MatchString(e.Name) {
			t.Errorf("name %q is a duplicate or not a valid app name", e.Name)
		}
		names[e.Name] = true
		if e.Want == "" || strings.Contains(e.Want, "|") || e.run == nil {
			t.Errorf("%s: Want or run is missing", e.Name)
		}
	}
	for _, d := range Known {
		if !names[d.Experiment] || d.Network != Real && d.Network != Fake || d.Reason == "" {
			t.Errorf("known difference %+v", d)
		}
	}
}

func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		err  error
		want Verdict
	}{
		{nil, Agrees},
		{failf("seen: nothing"), Differs},
		{fmt.Errorf("4 MB: %w", failf("lost")), Differs},
		{errors.Join(failf("lost"), nil), Differs},
		{context.Canceled, Failed},
	} {
		if got := judge(test.err); got != test.want {
			t.Errorf("%v: %q, want %q", test.err, got, test.want)
		}
	}
}

// testResults returns results of the first two experiments of the table.
func testResults(t *testing.T) (first, second Experiment, results []Result) {
	t.Helper()
	first, second = Table()[0], Table()[1]
	return first, second, []Result{
		{Experiment: first, Network: Real, Verdict: Agrees, Seen: "0.05 s"},
		{Experiment: first, Network: Fake, Verdict: Differs, Err: failf("a|b\nc")},
		{Experiment: second, Network: Real, Verdict: Agrees, Seen: "all"},
		{Experiment: second, Network: Fake, Verdict: Agrees, Seen: "all"},
	}
}

func TestUnexpectedResults(t *testing.T) {
	first, second, results := testResults(t)
	if got := Unexpected(results, nil); len(got) != 1 || !strings.HasPrefix(got[0], first.Name+" on fakebox: differs") {
		t.Errorf("without a list: %q", got)
	}
	if got := Unexpected(results, []Difference{{first.Name, Fake, "listed"}}); got != nil {
		t.Errorf("listed: %q", got)
	}
	got := Unexpected(results, []Difference{{first.Name, Fake, "listed"}, {second.Name, Real, "old"}})
	if len(got) != 1 || !strings.Contains(got[0], "agrees, although a difference is listed (old)") {
		t.Errorf("no longer seen: %q", got)
	}
}

func TestWriteTable(t *testing.T) {
	first, second, results := testResults(t)
	var out strings.Builder
	if err := WriteTable(&out, []string{Real, Fake}, results, nil); err != nil {
		t.Fatal(err)
	}
	want := "| experiment | what must be seen | real | fakebox | verdict |\n|---|---|---|---|---|\n" +
		"| " + first.Name + " | " + first.Want + " | 0.05 s | differs: a/b c | DIFFERS |\n" +
		"| " + second.Name + " | " + second.Want + " | all | all | ok |\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, test := range []struct {
		list []Difference
		want string
	}{
		{[]Difference{{first.Name, Fake, "x"}}, "listed"},
		{[]Difference{{first.Name, Real, "x"}}, "NO LONGER DIFFERS"},
	} {
		if got := verdict(results[:2], test.list); got != test.want {
			t.Errorf("%v: %q, want %q", test.list, got, test.want)
		}
	}
}

func TestOutcome(t *testing.T) {
	var o outcome
	for n := range 10 {
		o.add(caller.Result{Status: 200, Took: time.Duration(10-n) * time.Millisecond})
	}
	if got := o.percentile(0.5); got != 5*time.Millisecond {
		t.Errorf("p50 %v", got)
	}
	if got := o.percentile(0.9); got != 9*time.Millisecond {
		t.Errorf("p90 %v", got)
	}
	if err := o.check(); err != nil {
		t.Error(err)
	}
	var other outcome
	other.add(caller.Result{Err: errors.New("gone")})
	other.add(caller.Result{Status: 500, Resent: 2})
	o.merge(other)
	if err := o.check(); judge(err) != Differs || !strings.Contains(err.Error(), "gone") {
		t.Errorf("error %v", err)
	}
	if got, want := o.String(), "10 answered, 1 lost, 1 wrong, 2 resent, p50 0.005 s, p90 0.009 s, max 0.010 s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := (&outcome{}).percentile(0.5); got != 0 {
		t.Errorf("p50 of nothing: %v", got)
	}
}

// The experiments wait for cycles and not for the clock, so they run on a fast fakebox.
func TestRunOnFakebox(t *testing.T) {
	results, err := Run(t.Context(), Config{
		Dir: t.TempDir(), On: []string{Fake}, Run: regexp.MustCompile("^(names-ignored|gateway-refuses)$"),
		Fake: fakebox.Config{Speed: 20},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 2 {
		t.Fatalf("%d results", len(results))
	}
	for _, r := range results {
		if r.Verdict != Agrees || r.Seen == "" {
			t.Errorf("%s: %s, seen %q: %v", r.Experiment.Name, r.Verdict, r.Seen, r.Err)
		}
	}
}

func TestRetriesUnexpectedResults(t *testing.T) {
	c := Config{
		Dir: t.TempDir(), On: []string{Fake}, Run: regexp.MustCompile("^names-ignored$"), Attempts: 3,
		Fake: fakebox.Config{Speed: 20},
	}
	e := c.Selected()[0]
	first := Result{Experiment: e, Network: Fake, Verdict: Differs, Err: failf("late"), Attempt: 1}
	r := &runner{config: &c, results: []Result{first}}
	r.retry(t.Context())
	if len(r.results) != 1 || r.results[0].Verdict != Agrees || r.results[0].Attempt != 2 {
		t.Errorf("%+v, want one result that agrees at the second attempt", r.results)
	}
	// Without attempts left, the result stays.
	c.Attempts = 1
	r = &runner{config: &c, results: []Result{first}}
	if r.retry(t.Context()); len(r.results) != 1 || r.results[0].Verdict != Differs {
		t.Errorf("%+v, want the first result", r.results)
	}
}

func TestRunStopsWhenCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	results, err := Run(ctx, Config{Dir: t.TempDir(), On: []string{Fake}})
	if !errors.Is(err, context.Canceled) || len(results) != 0 {
		t.Errorf("%d results, error %v", len(results), err)
	}
}

func TestTurnsSpreadWrites(t *testing.T) {
	now := time.Now()
	var none *turns
	if none.take(now) != 0 {
		t.Error("a trial without turns waits")
	}
	var shared turns
	if got := shared.take(now); got != 0 {
		t.Errorf("the first waits for %v", got)
	}
	if got := shared.take(now.Add(time.Millisecond)); got != turnLength-time.Millisecond {
		t.Errorf("the second waits for %v", got)
	}
	if got := shared.take(now.Add(time.Hour)); got != 0 {
		t.Errorf("a later one waits for %v", got)
	}
}
