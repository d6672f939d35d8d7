package fakebox

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// An Op is what happened to a file.
type Op string

const (
	// OpWrite is an application that modified a file, seen by its box.
	OpWrite Op = "write"
	// OpSend is a box that sent a file by the fast path.
	OpSend Op = "send"
	// OpUpload is a full synchronisation that gave the server a file.
	OpUpload Op = "upload"
	// OpLose is the server that dropped a message.
	OpLose Op = "lose"
	// OpRefuse is the server that did not take a file.
	OpRefuse Op = "refuse"
	// OpArrive is a file that was put into a replica.
	OpArrive Op = "arrive"
	// OpDelete is a full synchronisation that deleted a file on the server,
	// because its application had removed it.
	OpDelete Op = "delete"
	// OpRemove is a box that removed a file from its replica.
	OpRemove Op = "remove"
	// OpReject and OpConflict are a box that renamed a file to its marker.
	OpReject   Op = "reject"
	OpConflict Op = "conflict"
	// OpOffline and OpOnline are a box that lost its connection and got it back.
	OpOffline Op = "offline"
	OpOnline  Op = "online"
	// OpStop and OpStart are a box, or the server, that was stopped and started again.
	OpStop  Op = "stop"
	OpStart Op = "start"
	// OpError is something that failed: a file that could not be written.
	OpError Op = "error"
)

const (
	// ViaFast is the fast path, [Event.Via].
	ViaFast = "fast"
	// ViaFullSync is the full synchronisation.
	ViaFullSync = "full-sync"
)

// Hub is the actor of what SyftBox's server does.
const Hub = "hub"

// An Event is one thing that happened to one file.
type Event struct {
	Time time.Time `json:"time"`
	// Actor is "<email>/app", "<email>/box" or "hub".
	Actor string `json:"actor"`
	Op    Op     `json:"op"`
	// Path is relative to "datasites", with slashes; "" of an event that concerns
	// no file.
	Path string `json:"path,omitempty"`
	// Size is in bytes.
	Size int `json:"size,omitempty"`
	// Etag is what SyftBox calls the bytes: their MD5 in hexadecimal. The same bytes
	// have the same.
	Etag string `json:"etag,omitempty"`
	// Mode is the name of the delivery mode, of what arrived.
	Mode string `json:"mode,omitempty"`
	// Via is ViaFast or ViaFullSync.
	Via string `json:"via,omitempty"`
	// Fault is what went wrong on purpose.
	Fault Fault `json:"fault,omitempty"`
	// Note is a text for people.
	Note string `json:"note,omitempty"`
}

// String returns the event as one line for people.
func (e Event) String() string {
	parts := []string{e.Time.Format("15:04:05.000"), e.Actor, e.what()}
	if e.Path != "" {
		parts = append(parts, fmt.Sprintf("%q", e.Path)) // a name may hold anything
	}
	if e.Size > 0 {
		parts = append(parts, fmt.Sprintf("(%d bytes)", e.Size))
	}
	return strings.Join(parts, " ")
}

// what returns what happened, without when, who and to which file.
func (e Event) what() string {
	parts := []string{string(e.Op)}
	if e.Via != "" {
		parts = append(parts, "via "+e.Via)
	}
	if e.Fault != "" {
		parts = append(parts, "["+string(e.Fault)+"]")
	}
	if e.Note != "" {
		parts = append(parts, e.Note)
	}
	return strings.Join(parts, " ")
}

// record adds an event to the journal.
func (b *Box) record(e Event) {
	b.journal.Lock()
	defer b.journal.Unlock()
	if e.Time.IsZero() {
		e.Time = b.clock.now()
	}
	b.events = append(b.events, e)
	if b.config.Observe != nil {
		b.config.Observe(e)
	}
}

// Events returns the journal: what has happened so far, in the order in which it
// was noticed.
func (b *Box) Events() []Event {
	b.journal.Lock()
	defer b.journal.Unlock()
	return append([]Event(nil), b.events...)
}

// lastEvents returns the end of the journal.
func (b *Box) lastEvents(n int) []Event {
	events := b.Events()
	return events[max(0, len(events)-n):]
}

// WriteEvents writes events as JSON, one a line.
func WriteEvents(w io.Writer, events []Event) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for _, e := range events {
		if err := encoder.Encode(e); err != nil {
			return fmt.Errorf("fakebox: writing the journal: %w", err)
		}
	}
	return nil
}

// Timeline renders events as text, a line each, in four columns: the sender's
// application, the sender's box, the server's box, and the server's application.
// What SyftBox's own server does stands with the sender's box. The sender is any
// address but that of the server; events of anybody else are left out. The
// longest part of the path that all events share stands above.
func Timeline(events []Event, sender, server string) string {
	columns := map[string]int{sender + "/app": 0, sender + "/box": 1, Hub: 1, server + "/box": 2, server + "/app": 3}
	var shown []Event
	for _, e := range events {
		if _, ok := columns[e.Actor]; ok {
			shown = append(shown, e)
		}
	}
	prefix := sharedFolder(shown)
	rows := [][4]string{{sender, sender + "'s box", server + "'s box", server}}
	for _, e := range shown {
		text := e.what()
		if e.Actor == Hub {
			text = "hub: " + text
		}
		if name := strings.TrimPrefix(e.Path, prefix); name != "" {
			text += " " + shorten(name)
		}
		var row [4]string
		row[columns[e.Actor]] = text
		rows = append(rows, row)
	}
	var width [4]int
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var out strings.Builder
	if prefix != "" {
		fmt.Fprintf(&out, "in %s\n", prefix)
	}
	for i, row := range rows {
		at := ""
		if i > 0 {
			at = fmt.Sprintf("%.3f", shown[i-1].Time.Sub(shown[0].Time).Seconds())
		}
		line := fmt.Sprintf("%8s  %-*s | %-*s | %-*s | %s", at, width[0], row[0], width[1], row[1], width[2], row[2], row[3])
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return out.String()
}

// sharedFolder returns the folder, with its slash, in which all the files lie.
func sharedFolder(events []Event) string {
	prefix, first := "", true
	for _, e := range events {
		if e.Path == "" {
			continue
		}
		folder := e.Path[:strings.LastIndexByte(e.Path, '/')+1]
		if first {
			prefix, first = folder, false
		}
		for !strings.HasPrefix(folder, prefix) {
			prefix = prefix[:strings.LastIndexByte(strings.TrimSuffix(prefix, "/"), '/')+1]
		}
	}
	return prefix
}

// shorten cuts the middle out of a name of a UUID.
func shorten(name string) string {
	if i := strings.LastIndexByte(name, '/') + 1; len(name)-i > 36 && name[i+8] == '-' {
		return name[:i+8] + "…" + name[i+36:]
	}
	return name
}
