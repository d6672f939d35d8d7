package main

import (
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/terminal"
	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/fakebox/boxpage"
)

// boxLines prints events for people: time, call number, who, and what. An empty line
// precedes each new call, whose first line names the endpoint.
type boxLines struct {
	w       io.Writer
	screen  terminal.Screen
	numbers *boxpage.Numbering
	printed boxpage.Numbering // of calls that were printed: the page may number one before
	names   map[string]string // short names by address
	width   int               // of the longest actor
}

func newBoxLines(w io.Writer, screen terminal.Screen, numbers *boxpage.Numbering, emails []string) *boxLines {
	l := &boxLines{w: w, screen: screen, numbers: numbers, names: shortNames(emails), width: len(fakebox.Hub)}
	for _, name := range l.names {
		l.width = max(l.width, len(name+" app"))
	}
	return l
}

// shortNames returns the part of each address before the @, if no other address has it.
func shortNames(emails []string) map[string]string {
	local := func(email string) string {
		name, _, _ := strings.Cut(email, "@")
		return name
	}
	count := map[string]int{}
	for _, email := range emails {
		count[local(email)]++
	}
	names := map[string]string{}
	for _, email := range emails {
		names[email] = email
		if count[local(email)] == 1 {
			names[email] = local(email)
		}
	}
	return names
}

// who returns the short name of an actor.
func (l *boxLines) who(actor string) string {
	email, role, ok := strings.Cut(actor, "/")
	if name := l.names[email]; name != "" {
		email = name
	}
	if !ok {
		return email
	}
	return email + " " + role
}

// boxVerbs are the words for the events of a request or a response.
var boxVerbs = map[fakebox.Op]string{
	fakebox.OpWrite: "wrote", fakebox.OpSend: "sent", fakebox.OpUpload: "uploaded", fakebox.OpLose: "lost", fakebox.OpRefuse: "refused",
	fakebox.OpArrive: "received", fakebox.OpDelete: "deleted", fakebox.OpRemove: "deleted", fakebox.OpReject: "rejected",
	fakebox.OpConflict: "found conflict in",
}

// print prints an event.
func (l *boxLines) print(e fakebox.Event) {
	number, _ := l.numbers.Of(e.Path)
	_, isNew := l.printed.Of(e.Path)
	label := ""
	if number > 0 {
		label = fmt.Sprintf("#%d", number)
	}
	if isNew {
		fmt.Fprintln(l.w)
	}
	line := fmt.Sprintf("%s %5s  %-*s  %s", e.Time.Format("15:04:05.000"), label, l.width, l.who(e.Actor), l.what(e, number))
	if isNew {
		line += "  " + boxpage.Describe(e.Path)
	}
	fmt.Fprintln(l.w, l.screen.Paint(colorOf(e), strings.TrimRight(line, " ")))
}

// what returns what happened, in words.
func (l *boxLines) what(e fakebox.Event, number int) string {
	var words []string
	verb, known := boxVerbs[e.Op]
	switch {
	case number > 0 && known:
		words = append(words, verb, strings.TrimPrefix(path.Ext(e.Path), "."))
	case e.Path == "":
		words = append(words, string(e.Op))
	default:
		if !known {
			verb = string(e.Op)
		}
		words = append(words, verb, fmt.Sprintf("%q", e.Path)) // a name may contain line breaks
	}
	if e.Size > 0 {
		words = append(words, fmt.Sprintf("%d B", e.Size))
	}
	if e.Via != "" {
		words = append(words, "via "+e.Via)
	}
	if e.Fault != "" {
		words = append(words, "["+string(e.Fault)+"]")
	}
	if e.Note != "" {
		words = append(words, "("+strings.Map(printable, e.Note)+")")
	}
	return strings.Join(words, " ")
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return '?'
	}
	return r
}

// colorOf returns the color of an event: red for what went wrong, yellow for what a full
// sync had to do, and green for responses that arrived.
func colorOf(e fakebox.Event) terminal.Color {
	switch {
	case e.Op == fakebox.OpLose || e.Op == fakebox.OpRefuse || e.Op == fakebox.OpReject || e.Op == fakebox.OpConflict || e.Op == fakebox.OpError:
		return terminal.Red
	case e.Fault != "" || e.Op == fakebox.OpOffline || e.Op == fakebox.OpStop:
		return terminal.Yellow
	case e.Op == fakebox.OpArrive && strings.HasSuffix(e.Path, ".response"):
		return terminal.Green
	}
	return ""
}
