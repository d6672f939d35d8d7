// Package known reads the list of what is known of a server: the scenarios that it
// fails, each with the reason.
//
// The list is a file with an entry a line:
//
//	# What is known of the server.
//	publish-nudge  # it writes once: https://example.com/issues/7
//	flaky: publish-whole  # now and then, on a full disk
//
// A line that begins with # and an empty one are comments.
package known

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// An Entry says that a scenario is known to fail.
type Entry struct {
	// Scenario is its id.
	Scenario string
	// Reason says why, and is never "".
	Reason string
	// Flaky is whether the scenario may pass, too: what it finds is left to chance.
	Flaky bool
}

// flakyMark stands in front of the id of an entry that is flaky.
const flakyMark = "flaky:"

// A List is a file of entries, with its comments. Its methods may not be called
// concurrently.
type List struct {
	path  string
	mode  fs.FileMode
	lines []line
}

// A line is one of the file, as it is written there, with its end.
type line struct {
	text  string
	entry *Entry // nil for a comment
}

// New returns an empty list, which [List.Write] writes into a file.
func New(path string) *List { return &List{path: path, mode: 0o644} }

// Read reads a list from a file. Whoever reads it knows which scenarios there are:
// an entry for another is an error, as is one without a reason and one that stands
// twice. An error names the line.
func Read(path string, exists func(scenario string) bool) (*List, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the list of known failures: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading the list of known failures: %w", err)
	}
	l := &List{path: path, mode: info.Mode().Perm()}
	first := map[string]int{} // the line of an id
	// Some editors put a byte order mark in front.
	for text := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		l.lines = append(l.lines, line{text: text})
		n := len(l.lines)
		entry, err := parse(text)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		case entry == nil:
			continue
		case first[entry.Scenario] > 0:
			return nil, fmt.Errorf("%s:%d: %s is on line %d already: remove one of the two", path, n, entry.Scenario, first[entry.Scenario])
		case !exists(entry.Scenario):
			return nil, fmt.Errorf("%s:%d: unknown scenario %q: correct the id, as 'syftevent-conformance list' shows it, or remove the line", path, n, entry.Scenario)
		}
		first[entry.Scenario] = n
		l.lines[n-1].entry = entry
	}
	return l, nil
}

// parse reads a line; nil for a comment.
func parse(text string) (*Entry, error) {
	text = strings.TrimSpace(text)
	if text == "" || strings.HasPrefix(text, "#") {
		return nil, nil
	}
	id, reason, _ := strings.Cut(text, "#")
	id, flaky := strings.CutPrefix(strings.TrimSpace(id), flakyMark)
	entry := &Entry{Scenario: strings.TrimSpace(id), Reason: strings.TrimSpace(reason), Flaky: flaky}
	switch {
	case len(strings.Fields(entry.Scenario)) != 1:
		return nil, fmt.Errorf(`%q is not of the form "ID  # reason" or "flaky: ID  # reason"`, text)
	case entry.Reason == "":
		return nil, fmt.Errorf("%s has no reason: add one, such as %q", entry.Scenario, entry.Scenario+"  # why it fails, or the address of an issue")
	}
	return entry, nil
}

// Entry returns what is known of a scenario, nil if nothing is. A nil list knows
// nothing.
func (l *List) Entry(scenario string) *Entry {
	if l == nil {
		return nil
	}
	for _, line := range l.lines {
		if line.entry != nil && line.entry.Scenario == scenario {
			return line.entry
		}
	}
	return nil
}

// A Finding is what a run has found of one scenario.
type Finding struct {
	Scenario string
	Passed   bool
	// Failed is whether it belongs into the list. What has neither passed nor
	// failed changes nothing.
	Failed bool
	// Reason is what a new entry says; a person may better it.
	Reason string
}

// Update removes the entries that have passed, those that are flaky excepted, and
// adds at the end, in the order of their ids, those that have failed. All else
// stays as it is. It returns what it has changed, a line for each.
func (l *List) Update(findings []Finding) (changes []string) {
	findings = slices.Clone(findings)
	slices.SortFunc(findings, func(a, b Finding) int { return cmp.Compare(a.Scenario, b.Scenario) })
	for _, f := range findings {
		entry := l.Entry(f.Scenario)
		switch {
		case f.Passed && entry != nil && !entry.Flaky:
			l.lines = slices.DeleteFunc(l.lines, func(line line) bool { return line.entry == entry })
			changes = append(changes, fmt.Sprintf("removed %s, which passed", f.Scenario))
		case f.Failed && entry == nil:
			l.add(Entry{Scenario: f.Scenario, Reason: oneLine(f.Reason)})
			changes = append(changes, fmt.Sprintf("added %s, which failed", f.Scenario))
		}
	}
	return changes
}

// add adds an entry at the end.
func (l *List) add(e Entry) {
	if n := len(l.lines); n > 0 && !strings.HasSuffix(l.lines[n-1].text, "\n") {
		l.lines[n-1].text += "\n"
	}
	l.lines = append(l.lines, line{fmt.Sprintf("%s  # %s\n", e.Scenario, e.Reason), &e})
}

// mostReason is how many bytes of a reason are kept.
const mostReason = 400

// oneLine makes a reason of any text.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	if len(text) > mostReason {
		text = strings.ToValidUTF8(text[:mostReason], "") + "…"
	}
	if text == "" {
		return "it failed"
	}
	return text
}

// Write writes the list into its file, which keeps its mode: into a new file
// beside it first, so that there is a whole list at any time.
func (l *List) Write() error {
	err := l.write()
	if err != nil {
		return fmt.Errorf("writing the list of known failures: %w", err)
	}
	return nil
}

func (l *List) write() (err error) {
	path := l.path
	// What a link leads to is written, and the link stays.
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	for _, line := range l.lines {
		if _, err := f.WriteString(line.text); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if err := errors.Join(f.Chmod(l.mode), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
