package report

import (
	"strings"
	"testing"
)

func TestMarkdown(t *testing.T) {
	var out strings.Builder
	if err := NewDocument(fullRun(t)).Markdown(&out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{
		"# toy \\<script\\>alert(1)\\</script\\> 1.0\\|2\n\n**non-conformant**: 1 passed, 1 failed, ",
		"| command            | `python3 'my server.py'` ",
		"| fail-status    | MUST   | core  | **FAIL**            | 0.000   | What fail-status is about.    |\n",
		"| publish-beside | MUST   | core  | pass                | 1.235 ",
		"\n### fail-status: FAIL\n\nWhat fail-status is about.\n\n````text\nSPEC.md [fail-status] A request",
		"\nreproduce: judge run -seed=7 fail-status -- server\n````\n",
		"\n### proc-once: known\n\nWhat proc-once is about.\n\nknown to fail: issue 7, a\\|b \\<script\\>alert(1)\\</script\\> \\`x\\` \\`\\`\\` \\& \uFFFD\\[31m\uFFFD \\*\\_ \\# second line\n",
		"\n### proc-survive: UNEXPECTED PASS\n",
		"\nproblem: no symbolic links here\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	// All lines of a table have the same number of cells.
	cells := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		if cells != 0 && n != cells {
			t.Errorf("%d cells instead of %d: %s", n, cells, line)
		}
		cells = n
	}
}

func TestCode(t *testing.T) {
	for text, want := range map[string]string{
		"":       "",
		"a b":    "`a b`",
		"a|b":    "`a\\|b`",
		"a\n b":  "`a b`",
		"a`b":    "``a`b``",
		"`a":     "`` `a ``",
		"``a` b": "``` ``a` b ```",
	} {
		if got := code(text); got != want {
			t.Errorf("code(%q) = %s, want %s", text, got, want)
		}
	}
}
