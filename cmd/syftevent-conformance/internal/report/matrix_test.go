package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
)

// column returns the document of a server with the given results.
func column(file, name string, results ...runner.Result) Column {
	run := Run{Results: results, Reproduce: "judge run %s", Summary: Summarize(results, len(results), nil)}
	run.Ready.Implementation, run.Ready.Version = name, "1"
	return Column{File: file, Document: NewDocument(run)}
}

func TestMarksOfCells(t *testing.T) {
	with := func(outcome runner.Outcome, flaky bool) runner.Result {
		r := runner.Result{Scenario: covering(t, "a-"+string(outcome), "publish-beside", "publish-id"), Outcome: outcome}
		if flaky {
			r = listed(r, true)
		}
		return r
	}
	violating := func(requirement string) runner.Result {
		r := with(runner.Fail, false)
		r.Failure = &script.Failure{Requirements: []string{requirement}}
		return r
	}
	tests := []struct {
		results []runner.Result
		want    string
	}{
		{nil, "?"},
		{[]runner.Result{{Scenario: covering(t, "other", "fail-status"), Outcome: runner.Pass}}, "?"},
		{[]runner.Result{with(runner.Pass, false)}, "✓"},
		{[]runner.Result{with(runner.Fail, false)}, "✗"},
		{[]runner.Result{with(runner.Warn, false)}, "!"},
		{[]runner.Result{with(runner.NotImplemented, false)}, "–"},
		{[]runner.Result{with(runner.NotApplicable, false)}, "–"},
		{[]runner.Result{with(runner.CouldNotTest, false)}, "?"},
		{[]runner.Result{with(runner.Pass, true)}, "✓~"},
		{[]runner.Result{with(runner.Fail, true)}, "✗~"},
		{[]runner.Result{with(runner.Fail, false), with(runner.Pass, true)}, "✗~"},
		{[]runner.Result{with(runner.Pass, false), with(runner.NotApplicable, false)}, "✓"},
		{[]runner.Result{violating("publish-id")}, "✗"},
		{[]runner.Result{violating("publish-beside")}, "?"},
		{[]runner.Result{violating("publish-beside"), with(runner.Pass, false)}, "✓"},
		{[]runner.Result{with(runner.Pass, false), with(runner.CouldNotTest, false)}, "?"},
		{[]runner.Result{with(runner.Pass, false), with(runner.Warn, false)}, "!"},
		{[]runner.Result{with(runner.Warn, false), with(runner.Fail, false), with(runner.Pass, false)}, "✗"},
	}
	for _, test := range tests {
		m := NewMatrix(spec.Requirements(), []Column{column("x.json", "toy", test.results...)})
		row := m.Rows[slices.IndexFunc(m.Rows, func(r Row) bool { return r.Requirement.ID == "publish-id" })]
		if got := row.Cells[0].Text(); got != test.want {
			t.Errorf("%v: %s, want %s", row.Cells[0].Words(), got, test.want)
		}
	}
}

func TestRowsFollowSpecification(t *testing.T) {
	r := runner.Result{Scenario: covering(t, "new", "fail-status"), Outcome: runner.Pass}
	r.Scenario.Covers = append(r.Scenario.Covers, spec.Requirement{ID: "later-version", Level: spec.Must, Class: "core", Text: "It MUST."})
	m := NewMatrix(spec.Requirements(), []Column{column("x.json", "toy", r)})
	var got, want []string
	for _, row := range m.Rows {
		got = append(got, row.Requirement.ID)
	}
	for _, requirement := range spec.Requirements() {
		want = append(want, requirement.ID)
	}
	if diff := cmp.Diff(append(want, "later-version"), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if last := m.Rows[len(m.Rows)-1]; last.Listed || last.Cells[0].Text() != "✓" {
		t.Errorf("%+v", last)
	}
}

func TestTitlesAreUnique(t *testing.T) {
	m := NewMatrix(nil, []Column{
		column("a.json", "toy"), column("b.json", "other"), column("dir/c.json", "other"), column("d/c.json", "third"), column("e/c.json", "third"),
	})
	var got []string
	for _, c := range m.Columns {
		got = append(got, c.Title)
	}
	want := []string{"toy 1", "other 1 (b.json)", "other 1 (c.json)", "third 1 (d/c.json)", "third 1 (e/c.json)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// fullMatrix compares a conformant server with the server of fullRun.
func fullMatrix(t *testing.T) *Matrix {
	good := column("good.json", "good", runner.Result{Scenario: covering(t, "fail-status", "fail-status"), Outcome: runner.Pass})
	return NewMatrix(spec.Requirements(), []Column{good, {File: "full.json", Document: NewDocument(fullRun(t))}})
}

func TestMatrixAsMarkdown(t *testing.T) {
	var out strings.Builder
	if err := fullMatrix(t).Markdown(&out); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(out.String()), " ") // without what aligns it
	for _, want := range []string{
		`| requirement | level | class | good 1 | toy \<script\>alert(1)\</script\> 1.0\|2 |`,
		`| [fail-status](SPEC.md#fail-status) | MUST | core | ✓ | ✗ |`,
		`| [fail-text](SPEC.md#fail-text) | SHOULD | core | ? | ! |`,
		`| [proc-drain](SPEC.md#proc-drain) | SHOULD | core | ? | ✓\~ |`,
		`| [detect-links](SPEC.md#detect-links) | MUST | core | ? | – |`,
		`✓ met · ✗ unmet MUST`,
		`## toy \<script\>alert(1)\</script\> 1.0\|2 - verdict: non-conformant - scenarios: 1 passed, 1 failed, known failure: 1`,
		"- command: `python3 'my server.py'`",
		`- poll interval: 20 ms`,
		`- seed: 7`,
		`- delivery: websocket`,
		`- suite: syftevent-conformance v1.2.3, SPEC.md 0.1`,
		`- ✗ fail-status: expected status 5xx, actual status 200 a\|b \<script\>`,
		`- ✗ proc-once: issue 7`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

func TestMatrixAsHTML(t *testing.T) {
	var out strings.Builder
	m := fullMatrix(t)
	m.Rows = append(m.Rows, Row{Requirement: Requirement{ID: `"><script>`, Level: `" onload="x`}, Cells: m.Rows[0].Cells})
	if err := m.HTML(&out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{
		`toy &lt;script&gt;alert(1)&lt;/script&gt; 1.0|2`,
		`<a class="mark notmet" href="#run2-fail-status" title="fail-status: fail">`,
		`<article id="run2-fail-status">`,
		`<blockquote><code>fail-status</code> A request whose handler failed MUST be answered`,
		`<dt>expected</dt><dd><pre>status 5xx</pre></dd>`,
		`<tr class="command"><td class="number">1.5 ms</td><td class="happened">▸ command</td><td class="mono">send oops /fail</td><td class="number"></td></tr>`,
		`<td class="happened">&#43; appears</td><td class="mono">fail/client@example.com/oops.request</td><td class="number">312 bytes</td>`,
		`<pre>judge run -seed=7 fail-status -- server</pre>`,
		`<strong>known to fail: issue 7`,
		`<span class="mark met" title="fail-status: pass"><span aria-hidden="true">✓</span><span class="spoken">fail-status: pass</span></span>`,
		`✓~`,
		`position: sticky`,
		`prefers-color-scheme: dark`,
	} {
		if !strings.Contains(text, want) && !strings.Contains(strings.ReplaceAll(text, "&#43;", "+"), strings.ReplaceAll(want, "&#43;", "+")) {
			t.Errorf("%q is not in the page", want)
		}
	}
	// Text of a document is escaped, and the page loads nothing.
	for _, unwanted := range []string{"<script", `onload="`, "http://", "https://", " src=", "ZgotmplZ", "@import", "url("} {
		if strings.Contains(text, unwanted) {
			t.Errorf("the page contains %q", unwanted)
		}
	}
	// Each link of a cell has a target.
	for _, part := range strings.Split(text, `href="#`)[1:] {
		id, _, _ := strings.Cut(part, `"`)
		if !strings.Contains(text, ` id="`+id+`"`) {
			t.Errorf("dead link to %s", id)
		}
	}
}

// The page shows only rows with failures until its switch shows all.
func TestMatrixAsHTMLShowsFailuresFirst(t *testing.T) {
	var out strings.Builder
	if err := fullMatrix(t).HTML(&out); err != nil {
		t.Fatal(err)
	}
	for id, calm := range map[string]bool{
		"fail-status":   false, // not met
		"fail-text":     false, // a SHOULD
		"proc-drain":    false, // flaky
		"detect-links":  true,  // not applicable
		"publish-alone": true,  // not run
	} {
		_, row, found := strings.Cut(out.String(), `<tr id="`+id+`"`)
		row, _, _ = strings.Cut(row, ">")
		if !found || strings.Contains(row, "calm") != calm {
			t.Errorf("%s: found %v, want calm %v: %s", id, found, calm, row)
		}
	}
	if text := out.String(); strings.Contains(text, "checked>") || !strings.Contains(text, `<input type="checkbox" id="show-all">`) {
		t.Error("the switch shows all rows, though some have failures")
	}

	out.Reset()
	good := column("good.json", "good", runner.Result{Scenario: covering(t, "fail-status", "fail-status"), Outcome: runner.Pass})
	if err := NewMatrix(spec.Requirements(), []Column{good}).HTML(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `<input type="checkbox" id="show-all" checked>`) {
		t.Error("no row has a failure, and none is shown")
	}
}

func TestDatesOfMatrix(t *testing.T) {
	at := func(day int) Column {
		c := column("x.json", "toy")
		c.Document.Started = time.Date(2026, 11, day, 23, 30, 0, 0, time.FixedZone("", -3600))
		return c
	}
	for want, columns := range map[string][]Column{
		"28 November 2026":                    {at(27), at(27)},
		"2 November 2026 to 28 November 2026": {at(5), at(27), at(1)},
	} {
		m := NewMatrix(spec.Requirements(), columns)
		if got := m.Dates(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		var out strings.Builder
		if err := m.HTML(&out); err != nil || !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "28 November 2026, 00:30 UTC") {
			t.Errorf("the page does not show %s: %v", want, err)
		}
	}
}

func TestMatrixWritersReturnErrors(t *testing.T) {
	m := fullMatrix(t)
	if err := m.Markdown(full{}); err == nil {
		t.Error("Markdown: no error")
	}
	if err := m.HTML(full{}); err == nil {
		t.Error("HTML: no error")
	}
}
