package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

// readJUnit reads a report as a CI system does.
func readJUnit(t *testing.T, d *Document) (suites junitSuites, text string) {
	t.Helper()
	var out bytes.Buffer
	if err := d.JUnit(&out); err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(out.Bytes(), &suites); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	return suites, out.String()
}

func TestJUnit(t *testing.T) {
	suites, text := readJUnit(t, NewDocument(fullRun(t)))
	for _, counts := range []junitCounts{suites.junitCounts, suites.Suite.junitCounts} {
		want := junitCounts{Name: "SPEC.md 0.1: toy <script>alert(1)</script> 1.0|2", Tests: 9, Failures: 2, Errors: 1, Skipped: 3, Time: "12.346"}
		if counts != want {
			t.Errorf("%+v, want %+v", counts, want)
		}
	}
	if suites.Suite.Timestamp != "2030-01-02T02:04:05Z" {
		t.Errorf("timestamp %s", suites.Suite.Timestamp)
	}
	cases := map[string]junitCase{}
	for _, c := range suites.Suite.Cases {
		cases[c.Name] = c
	}
	for id, want := range map[string]struct{ failure, problem, skipped, out string }{
		"publish-beside": {},
		"fail-status":    {failure: "expected status 5xx, actual status 200 a|b <script>"},
		"fail-text":      {out: "warning: unmet SHOULD: expected status 5xx, actual status 200"},
		"proc-once":      {skipped: "known: issue 7", out: "actual:    status 200"},
		"proc-drain":     {out: "flaky, passed: left to chance"},
		"proc-survive":   {failure: "known failure passed"},
		"feature-sum":    {skipped: `not implemented: the server does not declare the feature "sum"`},
		"detect-links":   {skipped: "not applicable: no symbolic links here"},
		"read-whole":     {problem: "panic: a"},
	} {
		c, ok := cases[id]
		if !ok || c.Class != "core" {
			t.Errorf("%s: %v, class %s", id, ok, c.Class)
		}
		for what, pair := range map[string][2]string{
			"failure": {message(c.Failure), want.failure},
			"error":   {message(c.Error), want.problem},
			"skipped": {message(c.Skipped), want.skipped},
			"output":  {output(c.SystemOut), want.out},
		} {
			if !strings.Contains(pair[0], pair[1]) || (pair[0] == "") != (pair[1] == "") {
				t.Errorf("%s: %s is %q, want %q", id, what, pair[0], pair[1])
			}
		}
	}
	failure := cases["fail-status"].Failure
	if failure.Type != "MUST" {
		t.Errorf("type %q", failure.Type)
	}
	for _, want := range []string{
		"SPEC.md [fail-status] A request whose handler failed MUST be answered with a status of 400 or above.\n",
		"expected:  status 5xx\n",
		"appear  fail/client@example.com/oops.request (312 bytes)\n",
		"reproduce: judge run -seed=7 fail-status -- server\n",
		"\uFFFD[31m\uFFFD", // what XML forbids
	} {
		if !strings.Contains(failure.Text, want) {
			t.Errorf("the failure lacks %q:\n%s", want, failure.Text)
		}
	}
	if strings.ContainsAny(text, "\x00\x1b") || !strings.Contains(text, "\nactual:    status 200 a|b <script>") {
		t.Errorf("the text is not what it should be:\n%s", text)
	}
}

// The end of CDATA and characters that XML forbids must not break the file.
func TestJUnitEscapesAnyText(t *testing.T) {
	d := NewDocument(fullRun(t))
	for i := range d.Scenarios {
		d.Scenarios[i].Stderr = "a]]>b \xff\uFFFE\r</failure>"
		d.Scenarios[i].Problem = "\x01 ]]> \xff"
		d.Scenarios[i].ID += "\x02<"
	}
	suites, _ := readJUnit(t, d)
	for _, c := range suites.Suite.Cases {
		if c.Failure != nil && c.Failure.Text != "" && !strings.Contains(c.Failure.Text, "a]]>b \uFFFD\uFFFD\uFFFD</failure>") {
			t.Errorf("%q", c.Failure.Text)
		}
	}
}

func message(r *junitReason) string {
	if r == nil {
		return ""
	}
	return r.Message
}

func output(o *junitOutput) string {
	if o == nil {
		return ""
	}
	return o.Text
}

func TestWritersReturnErrors(t *testing.T) {
	d := NewDocument(fullRun(t))
	for name, write := range map[string]func(io.Writer) error{"JSON": d.JSON, "JUnit": d.JUnit, "Markdown": d.Markdown} {
		if err := write(full{}); err != io.ErrShortWrite {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// full is a writer that always fails.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
