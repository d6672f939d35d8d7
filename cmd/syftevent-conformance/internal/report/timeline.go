package report

import (
	"fmt"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
)

// timelineLimit is how many events are shown where nobody can fold them away: the
// last ones, which lead to the failure.
const timelineLimit = 60

// timeline writes events for people, a line each.
func timeline(events []Event) []string {
	var lines []string
	if more := len(events) - timelineLimit; more > 0 {
		lines = append(lines, fmt.Sprintf("%10s  %d events before", "…", more))
		events = events[more:]
	}
	for _, e := range events {
		line := fmt.Sprintf("%10s  %-6s  %s", e.Time(), e.word(), e.What)
		if size := e.SizeText(); size != "" {
			line += " (" + size + ")"
		}
		lines = append(lines, strings.ReplaceAll(line, "\n", " "))
	}
	return lines
}

// Time is when the event happened, with its unit.
func (e Event) Time() string { return fmt.Sprintf("%.1f ms", e.AtMS) }

// IsCommand reports whether the script did something, and not the server.
func (e Event) IsCommand() bool { return e.Change == script.Commanded }

// word is the change in a column: the commands of the script stand out.
func (e Event) word() string {
	if e.IsCommand() {
		return ">"
	}
	return string(e.Change)
}

// SizeText is the size with its unit, or "" if there is none to tell.
func (e Event) SizeText() string {
	if e.Size < 0 || e.IsCommand() || e.Change == script.Vanished {
		return ""
	}
	return plural(int(e.Size), "byte")
}
