package report

import (
	"fmt"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
)

// timeline writes events for people, a line each, see [script.FormatEvents].
func timeline(events []Event) []string {
	var all []script.Event
	for _, e := range events {
		at := time.Duration(e.AtMS * float64(time.Millisecond))
		all = append(all, script.Event{At: at, Change: e.Change, What: e.What, Size: e.Size})
	}
	return script.FormatEvents(all)
}

// The methods below are for the template of the matrix.

// Time is when the event happened, with its unit.
func (e Event) Time() string { return fmt.Sprintf("%.1f ms", e.AtMS) }

// Happened says in a word what the event tells of, with a sign.
func (e Event) Happened() string {
	switch e.Change {
	case script.Commanded:
		return "▸ command"
	case script.Appeared:
		return "+ appears"
	case script.Modified:
		return "∼ modified"
	case script.Vanished:
		return "− vanishes"
	}
	return "… left out"
}

// SizeText is the size with its unit, or "" if there is none to tell.
func (e Event) SizeText() string {
	switch {
	case e.Change != script.Appeared && e.Change != script.Modified:
		return ""
	case e.Size < 0:
		return "no file"
	}
	return plural(int(e.Size), "byte")
}
