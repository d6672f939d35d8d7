package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
)

//go:embed matrix.html.tmpl
var pageText string

// page escapes whatever the documents say, each by where it stands. It is parsed when
// it is wanted: the same program serves the reference, whose memory is measured.
var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("matrix").Funcs(template.FuncMap{
		"legend": func() any { return legend },
		"anchor": anchor,
	}).Parse(pageText))
})

// HTML writes the matrix as one page that needs nothing else: each cell that is not
// good leads to what was expected, what came, and the timeline of the files.
func (m *Matrix) HTML(w io.Writer) error { return page().Execute(w, m) }

// anchor is the id of what the page says of a scenario in a column, or of the column
// if the scenario is "".
func anchor(column int, scenario string) string {
	return strings.TrimSuffix(fmt.Sprintf("run%d-%s", column+1, scenario), "-")
}

// family is the first word of an id, which requirements of one section share.
func family(id string) string {
	first, _, _ := strings.Cut(id, "-")
	return first
}

// The methods below are for the template.

// Starts reports whether a row is the first of its family.
func (m *Matrix) Starts(row int) bool {
	return row > 0 && family(m.Rows[row].Requirement.ID) != family(m.Rows[row-1].Requirement.ID)
}

// SpecVersions are those of the documents, each once.
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

// Facts are those of the run but for the verdict and the figures, which stand above
// them.
func (c Column) Facts() []Fact { return c.Document.facts()[2:] }

// Explained are the scenarios of which there is more to tell than the mark.
func (c Column) Explained() []Scenario {
	var explained []Scenario
	for _, s := range c.Document.Scenarios {
		if s.wantsExplanation() {
			explained = append(explained, s)
		}
	}
	return explained
}

// Share is one part of the bar that shows the figures.
type Share struct {
	Style, What string
	N           int
}

// Shares are the parts of the bar that are not empty.
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

// Style is the class of style sheets for a mark.
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

// word is what the bar calls a mark.
func (m Mark) word() string {
	switch m {
	case Met:
		return "met"
	case NotMet:
		return "not met"
	case NotAdvised:
		return "warned"
	case NotThere:
		return "not there"
	}
	return "not tested"
}

// Style is the class of style sheets for a verdict.
func (v Verdict) Style() string {
	return map[Verdict]string{Conformant: "met", Partial: "notadvised", NonConformant: "notmet"}[v]
}

// Sign goes with a verdict.
func (v Verdict) Sign() string {
	return map[Verdict]string{Conformant: "✓", Partial: "◐", NonConformant: "✗"}[v]
}

// Leads returns the scenario to which the cell leads, nil if it is good as it is.
func (c Cell) Leads() *Scenario {
	for _, s := range c.Scenarios {
		if s.wantsExplanation() {
			return &s
		}
	}
	return nil
}

// KnownText says what is known of the scenario, or "".
func (s Scenario) KnownText() string { return s.knownText() }
