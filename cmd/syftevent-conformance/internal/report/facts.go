package report

import (
	"fmt"
	"strings"
	"time"
)

// A Fact is a property of a run, for people.
type Fact struct{ Name, Value string }

// facts returns the facts of a run.
func (d *Document) facts() []Fact {
	i := d.Implementation
	features := strings.Join(i.Features, ", ")
	if features == "" {
		features = "none"
	}
	limit := "none"
	if i.MaxRequestSize > 0 {
		limit = plural(int(i.MaxRequestSize), "byte")
	}
	return []Fact{
		{"verdict", d.Counts.explain(d.Verdict)},
		{"scenarios", d.Counts.String()},
		{"date", d.Started.Format(time.RFC3339)},
		{"duration", fmt.Sprintf("%.1f s", d.Seconds)},
		{"command", d.commandLine()},
		{"features", features},
		{"poll interval", fmt.Sprintf("%v ms", i.PollMS)},
		{"settle time", fmt.Sprintf("%v ms", i.SettleMS)},
		{"request size limit", limit},
		{"system", fmt.Sprintf("%s/%s, %s", d.System.OS, d.System.Arch, plural(d.System.CPUs, "processor"))},
		{"file system", d.System.FileSystem},
		{"seed", fmt.Sprint(d.Seed)},
		{"delivery", d.Delivery},
		{"timescale", fmt.Sprint(d.Timescale)},
		{"strict", map[bool]string{true: "yes", false: "no"}[d.Strict]},
		{"suite", fmt.Sprintf("syftevent-conformance %s, SPEC.md %s", d.SuiteVersion, d.SpecVersion)},
	}
}

// String returns the counts in one line.
func (c Counts) String() string {
	parts := []string{fmt.Sprintf("%d passed, %d failed", c.Passed, c.Failed)}
	for _, other := range c.list() {
		parts = append(parts, fmt.Sprintf("%s: %d", other.What, other.N))
	}
	return strings.Join(parts, ", ")
}

// commandLine returns the command, quoted for a shell.
func (d *Document) commandLine() string {
	var words []string
	for _, word := range d.Command {
		if word == "" || strings.ContainsAny(word, " \t\n'\"\\$`*?[]{}()<>|&;#~!") {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}
