package fakebox

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Timeline renders events as a text table, one line per event, in four columns: the
// sender's applications, the sender's client, the server's client, and the server's
// applications. Events of SyftBox's own server are in the column of the sender's
// client. Events of other people are left out. The first line is the folder that all
// shown files share.
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

// sharedFolder returns the longest folder that contains all files of the events, with
// a trailing slash.
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

// shorten abbreviates a file name that begins with a UUID.
func shorten(name string) string {
	if i := strings.LastIndexByte(name, '/') + 1; len(name)-i > 36 && name[i+8] == '-' {
		return name[:i+8] + "…" + name[i+36:]
	}
	return name
}
