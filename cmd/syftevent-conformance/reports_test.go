package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/report"
)

// reportOf runs scenarios with all three reports and returns the exit status and the
// parsed reports.
func reportOf(t *testing.T, dir, target string, ids ...string) (status int, document *report.Document, junit junitReport, markdown string) {
	t.Helper()
	path := func(extension string) string { return filepath.Join(dir, target+extension) }
	args := append([]string{"-json", path(".json"), "-junit", path(".xml"), "-md", path(".md")}, ids...)
	var stdout, stderr string
	if target == "reference" {
		status, stdout, stderr = judge(t, append([]string{"run"}, args...)...)
	} else {
		status, stdout, stderr = against(t, target, args...)
	}
	t.Logf("%s: exit %d\n%s%s", target, status, stdout, stderr)
	document, err := report.Read(path(".json"))
	if err != nil {
		t.Fatal(err)
	}
	contains(t, "output", stdout, "verdict: "+string(document.Verdict))
	data, err := os.ReadFile(path(".xml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(data, &junit); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if data, err = os.ReadFile(path(".md")); err != nil {
		t.Fatal(err)
	}
	return status, document, junit, string(data)
}

// A junitReport holds the elements that CI systems read.
type junitReport struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Suite    struct {
		Cases []struct {
			Name    string `xml:"name,attr"`
			Failure *struct {
				Text string `xml:",chardata"`
			} `xml:"failure"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func TestReportsAndMatrix(t *testing.T) {
	dir := t.TempDir()
	status, document, junit, markdown := reportOf(t, dir, "reference", "publish-beside", "fail-status")
	if status != exitOK || document.Verdict != report.Partial || junit.Tests != 2 || junit.Failures != 0 {
		t.Errorf("reference: exit %d, %s, %+v", status, document.Verdict, junit)
	}
	contains(t, "Markdown", markdown, "# syftevent-go ", "**partial**: 2 passed, 0 failed.", "| publish-beside |")

	status, document, junit, markdown = reportOf(t, dir, "fail-200", "publish-beside", "fail-status")
	if status != exitUnexpected || document.Verdict != report.NonConformant || junit.Tests != 2 || junit.Failures != 1 {
		t.Errorf("fail-200: exit %d, %s, %+v", status, document.Verdict, junit)
	}
	if c := junit.Suite.Cases[0]; c.Name != "fail-status" || c.Failure == nil || !strings.Contains(c.Failure.Text, "actual:    status 200") {
		t.Errorf("JUnit: %+v", c)
	}
	contains(t, "Markdown", markdown, "### fail-status: FAIL", "actual:    status 200", "reproduce: ")
	if s := document.Scenarios[0]; strings.Contains(s.Reproduce, dir) || s.Failure.Expected != "status 4xx or 5xx" {
		t.Errorf("%+v", s)
	}
	if document.System.CPUs < 1 || document.System.FileSystem == "" || document.Seconds <= 0 || len(document.Command) != 2 {
		t.Errorf("%+v", document)
	}

	files := []string{filepath.Join(dir, "reference.json"), filepath.Join(dir, "fail-200.json")}
	status, stdout, stderr := judge(t, append([]string{"matrix"}, files...)...)
	if status != exitOK {
		t.Errorf("exit %d\n%s", status, stderr)
	}
	text := strings.Join(strings.Fields(stdout), " ")
	contains(t, "matrix", text,
		"| [fail-status](SPEC.md#fail-status) | MUST | core | ✓ | ✗ |",
		"| [publish-beside](SPEC.md#publish-beside) | MUST | core | ✓ | ✓ |",
		"| [publish-whole](SPEC.md#publish-whole) | MUST | core | ? | ? |",
		"- ✗ fail-status: expected status 4xx or 5xx, actual status 200")

	page, table := filepath.Join(dir, "matrix.html"), filepath.Join(dir, "matrix.md")
	if status, _, stderr := judge(t, append([]string{"matrix", "-html", page, "-md", table}, files...)...); status != exitOK {
		t.Errorf("exit %d\n%s", status, stderr)
	}
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, "page", string(html), `href="#run2-fail-status"`, `<article id="run2-fail-status">`, "</html>")
	if written, err := os.ReadFile(table); err != nil || string(written) != stdout {
		t.Errorf("%v, or the Markdown in the file is another than on standard output", err)
	}
	onlyReports(t, dir, 8)
}

// onlyReports fails if temporary files are left.
func onlyReports(t *testing.T, dir string, want int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != want {
		t.Errorf("%d files, want %d: %v, %v", len(entries), want, entries, err)
	}
}

func TestUnwritableReportsFailBeforeRun(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "no", "such", "folder.json")} {
		for _, flag := range []string{"-json", "-junit", "-md", "-badge"} {
			status, stdout, stderr := judge(t, "run", flag, path, "publish-beside")
			if status != exitCouldNotTest || stdout != "" || !strings.Contains(stderr, path) {
				t.Errorf("%s %s: exit %d, want %d before the run\n%s%s", flag, path, status, exitCouldNotTest, stdout, stderr)
			}
		}
	}
	path := filepath.Join(dir, "same")
	if status, _, stderr := judge(t, "run", "-json", path, "-md", filepath.Join(dir, ".", "same")); status != exitUsage {
		t.Errorf("two reports in one file: exit %d\n%s", status, stderr)
	}
	onlyReports(t, dir, 0)
}

func TestFailedStartRemovesOldReport(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "run.json")
	if err := os.WriteFile(path, []byte("of an earlier run"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := judge(t, "run", "-json", path, "no-such-id"); status != exitUsage {
		t.Errorf("exit %d", status)
	}
	onlyReports(t, dir, 1) // a usage error removes nothing
	if status, _, _ := against(t, "exit", "-json", path); status != exitCouldNotTest {
		t.Errorf("exit %d", status)
	}
	onlyReports(t, dir, 0)
}

func TestInterruptedRunWritesReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.json")
	ctx, cancel := context.WithCancel(t.Context())
	var errs bytes.Buffer
	out := &trigger{text: "1/", fire: cancel}
	status := command(ctx, []string{"run", "-json", path}, strings.NewReader(""), out, &errs)
	document, err := report.Read(path)
	if status != exitCouldNotTest || err != nil || document.Verdict != report.Partial || document.Counts.NotRun == 0 {
		t.Errorf("exit %d, %v, %+v\n%s", status, err, document, &errs)
	}
}

func TestMatrixUsage(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.json")
	if err := os.WriteFile(bad, []byte(`{"format": 2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{},
		{"-no-such-flag"},
		{"-"},
		{"-schema", bad},
		{"-schema", "-md", "x.md"},
		{"-md", bad, bad},
		{"-md", "x", "-html", "x", bad},
		{bad},
		{filepath.Join(dir, "none.json")},
	} {
		status, stdout, stderr := judge(t, append([]string{"matrix"}, args...)...)
		if status != exitUsage || strings.Count(stderr, "\n") != 1 || stdout != "" {
			t.Errorf("%q: exit %d, want %d and one line of error\n%s%s", args, status, exitUsage, stdout, stderr)
		}
	}
	status, stdout, _ := judge(t, "matrix", "-schema")
	if status != exitOK || !json.Valid([]byte(stdout)) {
		t.Errorf("-schema: exit %d\n%s", status, stdout)
	}
}

func TestSpecVersion(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(top, "SPEC.md"))
	if err != nil {
		t.Fatal(err)
	}
	contains(t, "SPEC.md", string(data), "\nVersion "+specVersion+",")
}
