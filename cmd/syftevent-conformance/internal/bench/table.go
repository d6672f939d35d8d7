package bench

import (
	"fmt"
	"io"
	"strings"
)

// A Table prints rows as Markdown. A column after each further subject compares it with
// the first: 2.0x means that the first is twice as good.
type Table struct {
	Out      io.Writer
	Subjects []Subject
}

// Head prints the header.
func (t *Table) Head() {
	fmt.Fprintf(t.Out, "| measure | unit | %s |", t.Subjects[0].Name)
	for _, s := range t.Subjects[1:] {
		fmt.Fprintf(t.Out, " %s | %s is |", s.Name, t.Subjects[0].Name)
	}
	fmt.Fprintf(t.Out, "\n|%s\n", strings.Repeat("---|", 1+2*len(t.Subjects)))
}

// Row prints one measure.
func (t *Table) Row(row Row) {
	fmt.Fprintf(t.Out, "| %s: %s | %s |", row.Measure.Name, row.Measure.What, row.Measure.Unit)
	first := row.figure(t.Subjects[0].Name)
	for i, s := range t.Subjects {
		f := row.figure(s.Name)
		fmt.Fprintf(t.Out, " %s |", f)
		if i > 0 {
			fmt.Fprintf(t.Out, " %s |", compare(row.Measure, first, f))
		}
	}
	fmt.Fprintln(t.Out)
}

func (r Row) figure(subject string) *Figure {
	for i := range r.Figures {
		if r.Figures[i].Subject == subject {
			return &r.Figures[i]
		}
	}
	return nil
}

// String returns the median and the range.
func (f *Figure) String() string {
	switch {
	case f == nil:
		return ""
	case f.Err != nil:
		return "failed: " + strings.ReplaceAll(strings.ReplaceAll(f.Err.Error(), "\n", " "), "|", "/")
	case f.Low == f.High:
		return number(f.Value)
	}
	return fmt.Sprintf("%s (%s to %s)", number(f.Value), number(f.Low), number(f.High))
}

// number formats v with three significant digits.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// compare returns how many times better the first subject is.
func compare(m Measure, first, other *Figure) string {
	if first == nil || other == nil || first.Err != nil || other.Err != nil || first.Value == 0 || other.Value == 0 {
		return ""
	}
	times := first.Value / other.Value
	if !m.More {
		times = 1 / times
	}
	return number(times) + "x"
}
