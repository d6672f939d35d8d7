package report

import (
	"fmt"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
)

// timeline formats events, one per line, as [script.FormatEvents] does.
func timeline(events []Event) []string {
	var all []script.Event
	for _, e := range events {
		at := time.Duration(e.AtMS * float64(time.Millisecond))
		all = append(all, script.Event{At: at, Change: e.Change, What: e.What, Size: e.Size})
	}
	return script.FormatEvents(all)
}

// The template of the matrix calls the methods below.

// Time returns the time of the event with its unit.
func (e Event) Time() string { return fmt.Sprintf("%.1f ms", e.AtMS) }

// Happened returns the kind of the event with a sign.
func (e Event) Happened() string {
	switch e.Change {
	case script.Commanded:
		return "▸ command"
	case script.Appeared:
		return "+ appears"
	case script.Modified:
		return "∼ modified"
	case script.Vanished:
		return "− removed"
	}
	return "… left out"
}

// SizeText returns the size with its unit, or "" if the event has none.
func (e Event) SizeText() string {
	switch {
	case e.Change != script.Appeared && e.Change != script.Modified:
		return ""
	case e.Size < 0:
		return "no file"
	}
	return plural(int(e.Size), "byte")
}
