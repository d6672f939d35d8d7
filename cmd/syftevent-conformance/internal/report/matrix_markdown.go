package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Markdown writes the matrix, the facts of each run and its failures. Requirements link
// to SPEC.md in the same folder.
func (m *Matrix) Markdown(w io.Writer) error {
	var out strings.Builder
	out.WriteString("# Conformance\n\n")
	head := []string{"requirement", "level", "class"}
	for _, c := range m.Columns {
		head = append(head, plain(c.Title))
	}
	var rows [][]string
	for _, r := range m.Rows {
		id := plain(r.Requirement.ID)
		if r.Listed {
			id = fmt.Sprintf("[%s](SPEC.md#%s)", id, r.Requirement.ID)
		}
		row := []string{id, plain(string(r.Requirement.Level)), plain(r.Requirement.Class)}
		for _, c := range r.Cells {
			row = append(row, plain(c.Text()))
		}
		rows = append(rows, row)
	}
	writeTable(&out, head, rows)
	out.WriteByte('\n')
	for i, l := range legend {
		if i > 0 {
			out.WriteString(" · ")
		}
		fmt.Fprintf(&out, "%s %s", plain(l.Sign), l.Meaning)
	}
	out.WriteByte('\n')
	for _, c := range m.Columns {
		c.markdown(&out)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// markdown writes the facts and failures of one run.
func (c Column) markdown(out *strings.Builder) {
	fmt.Fprintf(out, "\n## %s\n\n", plain(c.Title))
	for _, row := range c.Document.factRows() {
		fmt.Fprintf(out, "- %s: %s\n", row[0], row[1])
	}
	failed := slices.DeleteFunc(slices.Clone(c.Document.Scenarios), func(s Scenario) bool { return s.Failure == nil })
	if len(failed) == 0 {
		return
	}
	out.WriteString("\nNot met:\n\n")
	for _, s := range failed {
		text := s.failureText()
		if s.Known != nil {
			text = s.Known.Reason
		}
		fmt.Fprintf(out, "- %s %s: %s\n", plain(string(s.Mark())), plain(s.ID), plain(text))
	}
}
