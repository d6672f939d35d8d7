package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
)

// Markdown writes the document as Markdown: facts of the run, a table of scenarios, and
// details of those that did not simply pass.
func (d *Document) Markdown(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "# %s %s\n\n", plain(d.Implementation.Name), plain(d.Implementation.Version))
	fmt.Fprintf(&out, "**%s**: %s.\n\n", d.Verdict, plain(d.Counts.String()))
	writeTable(&out, []string{"run", ""}, d.factRows())
	out.WriteString("\n## Scenarios\n\n")
	rows := [][]string{}
	for _, s := range d.Scenarios {
		rows = append(rows, []string{plain(s.ID), plain(string(s.Level)), plain(s.Class), s.Status().bold(), seconds(s.Seconds), plain(s.Summary)})
	}
	writeTable(&out, []string{"scenario", "level", "class", "result", "seconds", "summary"}, rows)
	heading := "\n## Details\n"
	for _, s := range d.Scenarios {
		if !s.wantsExplanation() {
			continue
		}
		out.WriteString(heading)
		heading = ""
		s.markdown(&out)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (d *Document) factRows() [][]string {
	var rows [][]string
	for _, fact := range d.facts() {
		value := plain(fact.Value)
		if fact.Name == "command" {
			value = code(fact.Value)
		}
		rows = append(rows, []string{fact.Name, value})
	}
	return rows
}

// wantsExplanation reports whether a result needs more than its status.
func (s Scenario) wantsExplanation() bool {
	switch s.Outcome.runners() {
	case runner.Pass, runner.NotImplemented:
		return s.Status() == UnexpectedPass
	}
	return true
}

func (s Scenario) markdown(out *strings.Builder) {
	fmt.Fprintf(out, "\n### %s: %s\n\n%s\n", plain(s.ID), s.Status(), plain(s.Summary))
	if text := s.knownText(); text != "" {
		fmt.Fprintf(out, "\n%s\n", plain(text))
	}
	text := s.evidence() + "reproduce: " + s.Reproduce
	fence := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	fmt.Fprintf(out, "\n%stext\n%s\n%s\n", fence, printable(text), fence)
}

// bold returns the status, in bold if it needs action.
func (s Status) bold() string {
	if s.IsUnexpected() || s == CouldNotTest {
		return "**" + string(s) + "**"
	}
	return string(s)
}

// writeTable writes a table in GitHub's Markdown, with aligned columns. Cells must be
// escaped.
func writeTable(out *strings.Builder, head []string, rows [][]string) {
	all := append([][]string{head}, rows...)
	widths := make([]int, len(head))
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 3)
		}
	}
	if last := len(widths) - 1; widths[last] > 40 { // prose in the last column needs no padding
		widths[last] = 0
	}
	for n, row := range all {
		for i, cell := range row {
			fmt.Fprintf(out, "| %s%s ", cell, strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(cell))))
		}
		out.WriteString("|\n")
		if n == 0 {
			for _, width := range widths {
				fmt.Fprintf(out, "|%s", strings.Repeat("-", max(3, width+2)))
			}
			out.WriteString("|\n")
		}
	}
}

// plain escapes text for one line of Markdown or a cell of a table.
func plain(text string) string {
	var out strings.Builder
	for _, r := range oneLine(text) {
		if strings.ContainsRune("\\`*_[]<>|~&#", r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// code formats text as code, for one line or a cell of a table.
func code(text string) string {
	text = oneLine(text)
	if text == "" {
		return ""
	}
	quotes := strings.Repeat("`", longestRun(text, '`')+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return quotes + strings.ReplaceAll(text, "|", `\|`) + quotes
}

func oneLine(text string) string { return strings.Join(strings.Fields(printable(text)), " ") }

// printable replaces control characters.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return utf8.RuneError
		}
		return r
	}, text)
}

// longestRun returns the length of the longest run of a character.
func longestRun(text string, of rune) int {
	longest, n := 0, 0
	for _, r := range text {
		if r != of {
			n = 0
			continue
		}
		n++
		longest = max(longest, n)
	}
	return longest
}
