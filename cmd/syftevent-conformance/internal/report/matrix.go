package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/spec"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// A Mark is the result in a cell of a matrix.
type Mark string

// The marks. Each has its own sign, so that no reader depends on colors.
const (
	Met         Mark = "✓"
	NotMet      Mark = "✗"
	NotAdvised  Mark = "!" // unmet SHOULD
	NotThere    Mark = "–" // not implemented or not applicable
	NotAnswered Mark = "?" // could not be tested, or not run
)

// flakySign follows the mark of a flaky result.
const flakySign = "~"

// legend explains the signs. Style is a CSS class.
var legend = []struct{ Sign, Style, Meaning string }{
	{string(Met), Met.Style(), "met"},
	{string(NotMet), NotMet.Style(), "unmet MUST, or the server died"},
	{string(NotAdvised), NotAdvised.Style(), "unmet SHOULD"},
	{string(NotThere), NotThere.Style(), "not implemented, not applicable, or of the other role"},
	{string(NotAnswered), NotAnswered.Style(), "could not be tested, or not run"},
	{flakySign, "", "flaky: may change between runs"},
}

// A Matrix compares implementations, requirement by requirement.
type Matrix struct {
	Columns []Column
	Rows    []Row
}

// A Column is one implementation: the document of one run.
type Column struct {
	// File is the path of the document.
	File     string
	Document *Document
	// Title is the name and version, with the file if it is not unique. NewMatrix
	// sets it.
	Title string
}

// A Row is one requirement.
type Row struct {
	Requirement Requirement
	// Listed reports whether this version of the suite knows the requirement.
	Listed bool
	// Cells has one cell per column.
	Cells []Cell
}

// A Cell is the result of one requirement in one run.
type Cell struct {
	Mark  Mark
	Flaky bool
	// Scenarios are the scenarios that cover the requirement. The first decides the
	// mark.
	Scenarios []Scenario

	otherRole bool // the requirement is for servers, and the run tested a client, or the reverse
}

func (c Column) isClient() bool { return c.Document.Implementation.Role == target.Client }

// NewMatrix compares documents. It has a row for each of the requirements, in their
// order, followed by those that only documents know.
func NewMatrix(requirements []spec.Requirement, columns []Column) *Matrix {
	m := &Matrix{Columns: slices.Clone(columns)}
	m.setTitles()
	seen := map[string]bool{}
	for _, r := range requirements {
		seen[r.ID] = true
		m.addRow(Requirement(r), true)
	}
	for _, c := range m.Columns {
		for _, s := range c.Document.Scenarios {
			for _, r := range s.Requirements {
				if !seen[r.ID] {
					seen[r.ID] = true
					m.addRow(r, false)
				}
			}
		}
	}
	return m
}

func (m *Matrix) addRow(r Requirement, listed bool) {
	row := Row{Requirement: r, Listed: listed}
	for _, c := range m.Columns {
		cell := newCell(c.Document, r.ID)
		if len(cell.Scenarios) == 0 && (r.Class == "client") != c.isClient() {
			cell.Mark, cell.otherRole = NotThere, true
		}
		row.Cells = append(row.Cells, cell)
	}
	m.Rows = append(m.Rows, row)
}

// setTitles sets unique titles, with the name or the whole path of the file if needed.
func (m *Matrix) setTitles() {
	count := func(title func(Column) string) map[string]int {
		counts := map[string]int{}
		for _, c := range m.Columns {
			counts[title(c)]++
		}
		return counts
	}
	name := func(c Column) string {
		title := strings.TrimSpace(c.Document.Implementation.Name + " " + c.Document.Implementation.Version)
		if c.isClient() {
			title += " (client)"
		}
		return title
	}
	nameAndFile := func(c Column) string { return fmt.Sprintf("%s (%s)", name(c), filepath.Base(c.File)) }
	names, namesAndFiles := count(name), count(nameAndFile)
	for i, c := range m.Columns {
		switch {
		case names[name(c)] == 1:
			m.Columns[i].Title = name(c)
		case namesAndFiles[nameAndFile(c)] == 1:
			m.Columns[i].Title = nameAndFile(c)
		default:
			m.Columns[i].Title = fmt.Sprintf("%s (%s)", name(c), c.File)
		}
	}
}

// precedence orders outcomes. The first decides the mark of a requirement with several
// scenarios.
var precedence = []runner.Outcome{
	runner.Fail, runner.Warn, runner.CouldNotTest, runner.Pass, runner.NotImplemented, runner.NotApplicable,
}

func newCell(d *Document, requirement string) Cell {
	var c Cell
	for _, s := range d.Scenarios {
		covers := func(r Requirement) bool { return r.ID == requirement }
		// A scenario that failed for other requirements says nothing about this one.
		if slices.ContainsFunc(s.Requirements, covers) && s.Failure.concerns(requirement) {
			c.Scenarios = append(c.Scenarios, s)
			c.Flaky = c.Flaky || s.Status() == Flaky
		}
	}
	rank := func(s Scenario) int { return slices.Index(precedence, s.Outcome.runners()) }
	slices.SortStableFunc(c.Scenarios, func(a, b Scenario) int { return rank(a) - rank(b) })
	c.Mark = NotAnswered
	if len(c.Scenarios) > 0 {
		c.Mark = c.Scenarios[0].Mark()
	}
	return c
}

// concerns reports whether the check may have failed because of a requirement.
func (f *Failure) concerns(requirement string) bool {
	return f == nil || f.Requirements == nil || slices.Contains(f.Requirements, requirement)
}

// Mark returns the mark of a requirement that only this scenario covers.
func (s Scenario) Mark() Mark {
	switch s.Outcome.runners() {
	case runner.Pass:
		return Met
	case runner.Fail:
		// With -strict, an unmet SHOULD is a failure.
		if s.Level != spec.Must && s.Failure != nil && !s.Failure.Dead {
			return NotAdvised
		}
		return NotMet
	case runner.Warn:
		return NotAdvised
	case runner.NotImplemented, runner.NotApplicable:
		return NotThere
	}
	return NotAnswered
}

// Text returns the sign of the cell.
func (c Cell) Text() string {
	if c.Flaky {
		return string(c.Mark) + flakySign
	}
	return string(c.Mark)
}

// Words returns the status of each scenario.
func (c Cell) Words() string {
	if c.otherRole {
		return "a requirement of the other role"
	}
	if len(c.Scenarios) == 0 {
		return "no scenario of this run covers it"
	}
	var parts []string
	for _, s := range c.Scenarios {
		parts = append(parts, s.ID+": "+strings.ToLower(string(s.Status())))
	}
	return strings.Join(parts, ", ")
}
