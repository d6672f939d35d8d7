package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed matrix.html.tmpl
var pageText string

// page is the template. It is parsed on demand, because the same program runs the
// reference server, whose memory is measured.
var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("matrix").Funcs(template.FuncMap{
		"legend": func() any { return legend },
		"anchor": anchor,
	}).Parse(pageText))
})

// HTML writes the matrix as a self-contained page. Cells of failures link to their
// details.
func (m *Matrix) HTML(w io.Writer) error { return page().Execute(w, m) }

// anchor returns the HTML id of a scenario in a column, or of the column if scenario is
// "".
func anchor(column int, scenario string) string {
	return strings.TrimSuffix(fmt.Sprintf("run%d-%s", column+1, scenario), "-")
}

// family returns the first word of an id, which requirements of one section share.
func family(id string) string {
	first, _, _ := strings.Cut(id, "-")
	return first
}

// The template calls the methods below.

// Styles returns the CSS classes of a row: "starts" if it is the first of its family,
// "leads" if it is the first of its family among the rows with failures, and "calm" if it
// has no failure.
func (m *Matrix) Styles(row int) string {
	previous := func(counts func(Row) bool) bool {
		for i := row - 1; i >= 0; i-- {
			if counts(m.Rows[i]) {
				return family(m.Rows[i].Requirement.ID) != family(m.Rows[row].Requirement.ID)
			}
		}
		return false
	}
	var styles []string
	if previous(func(Row) bool { return true }) {
		styles = append(styles, "starts")
	}
	switch {
	case !m.Rows[row].Fails():
		styles = append(styles, "calm")
	case previous(Row.Fails):
		styles = append(styles, "leads")
	}
	return strings.Join(styles, " ")
}

// Fails reports whether a run in the row needs attention: the requirement is not met, may
// not be met in the next run, or could not be tested.
func (r Row) Fails() bool {
	return slices.ContainsFunc(r.Cells, func(c Cell) bool {
		return c.Mark == NotMet || c.Mark == NotAdvised || c.Flaky || c.Mark == NotAnswered && len(c.Scenarios) > 0
	})
}

// Failing returns the number of rows with failures.
func (m *Matrix) Failing() int {
	n := 0
	for _, r := range m.Rows {
		if r.Fails() {
			n++
		}
	}
	return n
}

// Dates returns the day of the runs, or the first and the last.
func (m *Matrix) Dates() string {
	const format = "2 January 2006"
	var first, last time.Time
	for i, c := range m.Columns {
		started := c.Document.Started.UTC()
		if i == 0 || started.Before(first) {
			first = started
		}
		if i == 0 || started.After(last) {
			last = started
		}
	}
	if first.Format(format) == last.Format(format) {
		return first.Format(format)
	}
	return first.Format(format) + " to " + last.Format(format)
}

// Date returns the time of the run.
func (c Column) Date() string { return c.Document.Started.UTC().Format("2 January 2006, 15:04 UTC") }

// SpecVersions returns the versions of SPEC.md in the documents, each once.
func (m *Matrix) SpecVersions() string {
	var versions []string
	seen := map[string]bool{}
	for _, c := range m.Columns {
		if v := c.Document.SpecVersion; !seen[v] {
			seen[v] = true
			versions = append(versions, v)
		}
	}
	return strings.Join(versions, " and ")
}

// Facts returns the facts of the run except the verdict and the counts, which the page
// shows above them.
func (c Column) Facts() []Fact { return c.Document.facts()[2:] }

// Explained returns the scenarios with details.
func (c Column) Explained() []Scenario {
	var explained []Scenario
	for _, s := range c.Document.Scenarios {
		if s.wantsExplanation() {
			explained = append(explained, s)
		}
	}
	return explained
}

// A Share is a part of the bar of counts.
type Share struct {
	Style, What string
	N           int
}

// Shares returns the parts of the bar that are not empty.
func (c Column) Shares() []Share {
	counts := map[Mark]int{NotAnswered: c.Document.Counts.NotRun}
	for _, s := range c.Document.Scenarios {
		counts[s.Mark()]++
	}
	var shares []Share
	for _, mark := range []Mark{Met, NotAdvised, NotMet, NotThere, NotAnswered} {
		if counts[mark] > 0 {
			shares = append(shares, Share{mark.Style(), mark.word(), counts[mark]})
		}
	}
	return shares
}

// Style returns the CSS class of a mark.
func (m Mark) Style() string {
	switch m {
	case Met:
		return "met"
	case NotMet:
		return "notmet"
	case NotAdvised:
		return "notadvised"
	case NotThere:
		return "notthere"
	}
	return "notanswered"
}

// word returns the label of a mark in the bar.
func (m Mark) word() string {
	switch m {
	case Met:
		return "met"
	case NotMet:
		return "not met"
	case NotAdvised:
		return "warned"
	case NotThere:
		return "not applicable"
	}
	return "not tested"
}

// Style returns the CSS class of a verdict.
func (v Verdict) Style() string {
	return map[Verdict]string{Conformant: "met", Partial: "notadvised", NonConformant: "notmet"}[v]
}

// Sign returns the sign of a verdict.
func (v Verdict) Sign() string {
	return map[Verdict]string{Conformant: "✓", Partial: "◐", NonConformant: "✗"}[v]
}

// Leads returns the scenario that the cell links to, or nil if none has details.
func (c Cell) Leads() *Scenario {
	for _, s := range c.Scenarios {
		if s.wantsExplanation() {
			return &s
		}
	}
	return nil
}

// KnownText compares the result with the list of known failures.
func (s Scenario) KnownText() string { return s.knownText() }
