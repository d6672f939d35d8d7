package report

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/known"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// covering returns a scenario that covers requirements of SPEC.md.
func covering(t *testing.T, id string, requirements ...string) scenario.Scenario {
	t.Helper()
	s := scenario.Scenario{ID: id, Summary: "What " + id + " is about."}
	for _, name := range requirements {
		r, ok := spec.Find(name)
		if !ok {
			t.Fatalf("there is no requirement %s", name)
		}
		s.Covers = append(s.Covers, r)
	}
	return s
}

// hostile is text with special characters of each format.
const hostile = "a|b <script>alert(1)</script> `x` ``` & \x1b[31m\x00 *_\n# second line"

// fullRun returns a run with every outcome, whose document has every part.
func fullRun(t *testing.T) Run {
	t.Helper()
	failure := &script.Failure{Line: "expect oops status 5xx", Expected: "status 5xx", Actual: "status 200 " + hostile}
	events := []script.Event{
		{At: 1500 * time.Microsecond, Change: script.Commanded, What: "send oops /fail", Size: -1},
		{At: 2 * time.Millisecond, Change: script.Appeared, What: "fail/client@example.com/oops.request", Size: 312},
		{At: 4 * time.Millisecond, Change: script.Modified, What: "fail/client@example.com/oops.request", Size: 1},
		{At: 1400 * time.Millisecond, Change: script.Vanished, What: "fail/client@example.com/oops.request", Size: -1},
	}
	feature := covering(t, "feature-sum", "proc-faithful")
	feature.Feature = "sum"
	results := []runner.Result{
		{Scenario: covering(t, "publish-beside", "publish-beside", "publish-id"), Outcome: runner.Pass, Duration: 1234567 * time.Microsecond},
		{Scenario: covering(t, "fail-status", "fail-status"), Outcome: runner.Fail, Failure: failure, Events: events,
			Tree: []string{"   312  a/oops.request"}, Stderr: "log " + hostile},
		{Scenario: covering(t, "fail-text", "fail-text"), Outcome: runner.Warn, Failure: failure, Events: events},
		{Scenario: covering(t, "proc-once", "proc-once"), Outcome: runner.Fail, Failure: failure,
			Known: &known.Entry{Scenario: "proc-once", Reason: "issue 7, " + hostile}},
		{Scenario: covering(t, "proc-drain", "proc-drain"), Outcome: runner.Pass, Known: &known.Entry{Reason: "left to chance", Flaky: true}},
		{Scenario: covering(t, "proc-survive", "proc-survive"), Outcome: runner.Pass, Known: &known.Entry{Reason: "it was so"}},
		{Scenario: feature, Outcome: runner.NotImplemented},
		{Scenario: covering(t, "detect-links", "detect-links"), Outcome: runner.NotApplicable, Problem: "no symbolic links here"},
		{Scenario: covering(t, "read-whole", "read-whole"), Outcome: runner.CouldNotTest, Problem: "panic: a\nb"},
	}
	run := Run{
		SuiteVersion: "v1.2.3", SpecVersion: "0.1",
		Ready: target.Ready{Implementation: "toy <script>alert(1)</script>", Version: "1.0|2", Features: []string{"empty"},
			PollMS: 20, SettleMS: 300},
		Command:   []string{"python3", "my server.py"},
		Started:   time.Date(2030, 1, 2, 3, 4, 5, 678, time.FixedZone("", 3600)),
		Duration:  12345678 * time.Microsecond,
		Results:   results,
		Summary:   Summarize(results, 10, []string{"publish-beside", "fail-status"}),
		Reproduce: "judge run -seed=7 %s -- server",
	}
	run.Config.Seed, run.Config.Timescale, run.Config.Dir = 7, 1, t.TempDir()
	return run
}

// written returns the document of a run as JSON.
func written(t *testing.T, run Run) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := NewDocument(run).JSON(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestDocument(t *testing.T) {
	d := NewDocument(fullRun(t))
	if got := d.Started.Format(time.RFC3339Nano); got != "2030-01-02T02:04:05Z" {
		t.Errorf("started %s", got)
	}
	if d.Seconds != 12.346 || d.Scenarios[0].ID != "detect-links" || !slices.IsSortedFunc(d.Scenarios, func(a, b Scenario) int {
		return strings.Compare(a.ID, b.ID)
	}) {
		t.Errorf("%v seconds, %v", d.Seconds, d.Scenarios)
	}
	want := Counts{Selected: 10, Passed: 1, Failed: 1, Warned: 1, Known: 1, Flaky: 1, UnexpectedPasses: 1,
		NotImplemented: 1, NotApplicable: 1, CouldNotTest: 1, NotRun: 1, Required: 2, RequiredPassed: 1}
	if diff := cmp.Diff(want, d.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	fail := d.Scenarios[slices.IndexFunc(d.Scenarios, func(s Scenario) bool { return s.ID == "fail-status" })]
	if diff := cmp.Diff(Event{AtMS: 1.5, Change: script.Commanded, What: "send oops /fail", Size: -1}, fail.Events[0]); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	if fail.Reproduce != "judge run -seed=7 fail-status -- server" {
		t.Errorf("reproduce: %s", fail.Reproduce)
	}
}

func TestDocumentIsDeterministic(t *testing.T) {
	run := fullRun(t)
	first := written(t, run)
	slices.Reverse(run.Results)
	if diff := cmp.Diff(string(first), string(written(t, run))); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
}

func TestReadRoundTrip(t *testing.T) {
	run := fullRun(t)
	path := filepath.Join(t.TempDir(), "run.json")
	if err := os.WriteFile(path, written(t, run), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(NewDocument(run), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadRejectsInvalidDocuments(t *testing.T) {
	good := string(written(t, fullRun(t)))
	tests := []struct{ text, want string }{
		{"", "invalid JSON: unexpected end"},
		{"<testsuites/>", "invalid JSON"},
		{good[:len(good)/2], "invalid JSON: unexpected end"},
		{"[]", "invalid JSON"},
		{"{}", `missing "format"`},
		{`{"format": 2}`, "format 2 is not supported, only 1"},
		{`{"format": 1}`, `missing "implementation.name"`},
		{strings.Replace(good, `"seed": 7`, `"seed": "x"`, 1), "invalid document"},
		{strings.Replace(good, `"started"`, `"began"`, 1), `missing "started"`},
		{strings.Replace(good, `"system"`, `"machine"`, 1), `missing "system"`},
		{strings.Replace(good, `"non-conformant"`, `"fine"`, 1), `unknown verdict "fine"`},
		{strings.Replace(good, `"scenarios"`, `"cases"`, 1), `missing "scenarios"`},
		{strings.Replace(good, `"id": "detect-links"`, `"name": "x"`, 1), `missing "scenarios[0].id"`},
		{strings.Replace(good, `"not-applicable"`, `"skipped"`, 1), `scenario detect-links: unknown outcome "skipped"`},
		{strings.Replace(good, `"requirements"`, `"covers"`, 1), `missing "scenarios[0].requirements"`},
	}
	path := filepath.Join(t.TempDir(), "run.json")
	for _, test := range tests {
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "run -json FILE") {
			t.Errorf("%v, want %q, the file and what to do", err, test.want)
		}
	}
	if _, err := Read(path + "x"); err == nil || !strings.Contains(err.Error(), path+"x") {
		t.Errorf("%v, want the missing file", err)
	}
}
