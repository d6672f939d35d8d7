package script

import (
	"fmt"
	"path"
	"strings"
)

// A long timeline is cut to its first and last lines.
const (
	firstLines = 10
	lastLines  = 30
)

// FormatEvents returns events as about 40 lines of text at most. If there are more, it
// omits the middle. The canaries of one check are one line, and long ids are shortened.
func FormatEvents(events []Event) []string {
	var lines []string
	for len(events) > 0 {
		line, n := formatEvents(events)
		lines, events = append(lines, line), events[n:]
	}
	if more := len(lines) - firstLines - lastLines; more > 1 {
		last := lines[len(lines)-lastLines:]
		lines = append(lines[:firstLines:firstLines], fmt.Sprintf("         … and %d more", more))
		lines = append(lines, last...)
	}
	return lines
}

// formatEvents returns the line of the first event, or of the first n that belong together.
func formatEvents(events []Event) (line string, n int) {
	for n < len(events) && isCanary(events[n]) {
		n++
	}
	if n > 0 {
		requests, responses := 0, 0
		for _, e := range events[:n] {
			switch {
			case e.Change != Appeared:
			case path.Ext(e.What) == ".request":
				requests++
			case path.Ext(e.What) == ".response":
				responses++
			}
		}
		return fmt.Sprintf("%7.3f  canary  %d sent, %d answered, until %.3f",
			events[0].At.Seconds(), requests, responses, events[n-1].At.Seconds()), n
	}
	e := events[0]
	switch e.Change {
	case Commanded:
		line = "> " + e.What
	case Omitted:
		line = "… " + e.What
	case Vanished:
		line = fmt.Sprintf("%-7s %s", e.Change, shortPath(e.What))
	default:
		line = fmt.Sprintf("%-7s %s (%s)", e.Change, shortPath(e.What), sizeText(e.Size))
	}
	return fmt.Sprintf("%7.3f  %s", e.At.Seconds(), line), 1
}

// isCanary reports whether an event is about a canary's file.
func isCanary(e Event) bool {
	return e.Change != Commanded && e.Change != Omitted && IsCanary(path.Base(path.Dir(e.What)))
}

// shortPath shortens a stem that is a UUID.
func shortPath(name string) string {
	dir, base := path.Split(name)
	stem, suffix, _ := strings.Cut(base, ".")
	const uuid, shown = 36, 8
	if len(stem) != uuid {
		return name
	}
	return dir + "…" + stem[uuid-shown:] + "." + suffix
}

func sizeText(size int64) string {
	switch size {
	case -1:
		return "no file"
	case 1:
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", size)
}

// maxCommandText is the length in bytes to which a command is cut.
const maxCommandText = 120

// commandText returns the text of a command, with variables instead of their values.
func (s *scene) commandText(name string, neg bool, args []string) string {
	words := []string{name}
	if neg {
		words = []string{"!", name}
	}
	variables := strings.NewReplacer(s.rpc(), "$RPC", s.dir, "$WORK", "\n", " ")
	for _, arg := range args {
		if arg = variables.Replace(arg); arg == "" || strings.Contains(arg, " ") {
			arg = "'" + arg + "'"
		}
		words = append(words, arg)
	}
	text := strings.ToValidUTF8(strings.Join(words, " "), "\uFFFD")
	if len(text) > maxCommandText {
		text = strings.ToValidUTF8(text[:maxCommandText], "") + "…"
	}
	return text
}
