// Package known reads and writes the list of known failures of a server.
//
// The list is a file with one scenario and its reason per line:
//
//	# Known failures of the server.
//	publish-nudge  # writes once: https://example.com/issues/7
//	flaky: publish-whole  # sometimes fails on a full disk
//
// Empty lines and lines that start with # are comments.
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

// An Entry is a known failure.
type Entry struct {
	// Scenario is the id of the scenario.
	Scenario string
	// Reason is never "".
	Reason string
	// Flaky reports whether the scenario may also pass.
	Flaky bool
}

// flakyMark precedes the id of a flaky entry.
const flakyMark = "flaky:"

// A List is a file of entries and comments. It is not safe for concurrent use.
type List struct {
	path  string
	mode  fs.FileMode
	lines []line
}

// A line is a line of the file, including its line ending.
type line struct {
	text  string
	entry *Entry // nil means a comment
}

// New returns an empty list for the file path.
func New(path string) *List { return &List{path: path, mode: 0o644} }

// Read reads a list from a file. It returns an error if an entry has no reason, appears
// twice, or names a scenario for which exists returns false.
func Read(path string, exists func(scenario string) bool) (*List, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read known failures: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read known failures: %w", err)
	}
	l := &List{path: path, mode: info.Mode().Perm()}
	first := map[string]int{} // line by id
	// Some editors add a byte order mark.
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
			return nil, fmt.Errorf("%s:%d: duplicate %s, first on line %d", path, n, entry.Scenario, first[entry.Scenario])
		case !exists(entry.Scenario):
			return nil, fmt.Errorf("%s:%d: unknown scenario %q; 'syftevent-conformance list' shows the ids", path, n, entry.Scenario)
		}
		first[entry.Scenario] = n
		l.lines[n-1].entry = entry
	}
	return l, nil
}

// parse parses a line. It returns nil for a comment.
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
		return nil, fmt.Errorf(`invalid entry %q, want "ID  # reason" or "flaky: ID  # reason"`, text)
	case entry.Reason == "":
		return nil, fmt.Errorf("%s has no reason, want %q", entry.Scenario, entry.Scenario+"  # reason or URL of an issue")
	}
	return entry, nil
}

// Entry returns the entry of a scenario, or nil. A nil list has no entries.
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

// A Finding is the result of one scenario.
type Finding struct {
	Scenario string
	Passed   bool
	// Failed reports whether the scenario belongs in the list. A scenario that neither
	// passed nor failed changes nothing.
	Failed bool
	// Reason is the reason of a new entry.
	Reason string
}

// Update removes entries that passed, unless they are flaky, and appends scenarios that
// failed, sorted by id. It returns a description of each change.
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
			l.add(Entry{Scenario: f.Scenario, Reason: reason(f.Reason)})
			changes = append(changes, fmt.Sprintf("added %s, which failed", f.Scenario))
		}
	}
	return changes
}

// add appends an entry.
func (l *List) add(e Entry) {
	if n := len(l.lines); n > 0 && !strings.HasSuffix(l.lines[n-1].text, "\n") {
		l.lines[n-1].text += "\n"
	}
	l.lines = append(l.lines, line{fmt.Sprintf("%s  # %s\n", e.Scenario, e.Reason), &e})
}

// Write replaces the file of the list atomically and keeps its mode.
func (l *List) Write() error {
	err := l.write()
	if err != nil {
		return fmt.Errorf("write known failures: %w", err)
	}
	return nil
}

func (l *List) write() (err error) {
	path := l.path
	// Replace the target of a symbolic link.
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
