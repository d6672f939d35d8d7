package main

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// An event is a request that arrived, or the end of one.
type event struct {
	Time     time.Time `json:"time"`
	Event    string    `json:"event"` // request, response or gone
	ID       string    `json:"id"`
	Sender   string    `json:"sender"` // "" if no folder names it
	Method   string    `json:"method"` // "" if the request is malformed
	Endpoint string    `json:"endpoint"`
	Size     *int64    `json:"size,omitempty"`        // of a request
	Status   *int      `json:"status,omitempty"`      // of a response; 0 if it is malformed
	Duration *float64  `json:"duration_ms,omitempty"` // from the request to the response
}

// newEvent returns an event of the request with a path below rpc and without its suffix.
func newEvent(kind string, at time.Time, stem, method string) event {
	dir, id := path.Split(stem)
	dir = strings.TrimSuffix(dir, "/")
	endpoint, sender := path.Split(dir)
	if !isEmail(sender) { // the legacy layout
		endpoint, sender = dir, ""
	}
	return event{Time: at, Event: kind, ID: id, Sender: sender, Method: method, Endpoint: "/" + strings.Trim(endpoint, "/")}
}

// String returns the event as a line.
func (e event) String() string {
	arrow := "<-"
	if e.Event == "request" {
		arrow = "->"
	}
	line := fmt.Sprintf("%s %s %s %s %s", e.Time.Local().Format("15:04:05.000"), arrow,
		printable(orWord(e.Sender, "-")), printable(orWord(e.Method, "?")), printableCut(e.Endpoint, maxCell))
	switch {
	case e.Size != nil:
		return line + " " + sizeText(*e.Size)
	case e.Event == "gone":
		return line + " gone"
	case e.Status != nil && *e.Status == 0:
		line += " malformed"
	case e.Status != nil:
		line += fmt.Sprintf(" %d", *e.Status)
	}
	if e.Duration != nil {
		line += " " + durationText(*e.Duration)
	}
	return line
}

// sizeText returns a number of bytes for people.
func sizeText(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000_000:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%d MB", n/1_000_000)
}

// durationText returns a number of milliseconds for people.
func durationText(ms float64) string {
	if ms < 10_000 {
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", ms/1000)
}
