// Package terminal writes to terminals: in color, and with a last line that replaces
// itself. Other outputs, such as files and pipes, receive plain text.
package terminal

import "os"

// A Screen describes what an output can show. The zero value is that of a file or pipe.
type Screen struct {
	// Color reports whether the output shows colors.
	Color bool
	// Live reports whether a line can be replaced.
	Live bool
	// Width returns the width in columns, 0 if it is unknown. It may change, so it is
	// called for each line. Nil means unknown.
	Width func() int
}

// Of describes the terminal that a file is, if it is one. getenv returns the value of an
// environment variable: a terminal with TERM=dumb counts as a pipe, and NO_COLOR, unless it
// is empty, forbids colors (https://no-color.org).
func Of(f *os.File, getenv func(string) string) Screen {
	if getenv("TERM") == "dumb" || !isTerminal(f) {
		return Screen{}
	}
	return Screen{Color: getenv("NO_COLOR") == "", Live: true, Width: func() int { return width(f) }}
}

// A Color is the number of a color in an escape sequence. "" is the usual color.
type Color string

// The colors.
const (
	Red    Color = "31"
	Green  Color = "32"
	Yellow Color = "33"
)

// Paint returns text in a color if the output shows colors.
func (s Screen) Paint(c Color, text string) string {
	if !s.Color || c == "" || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// defaultColumns is the width of a terminal whose width is unknown.
const defaultColumns = 80

func (s Screen) columns() int {
	if s.Width != nil {
		if n := s.Width(); n > 0 {
			return n
		}
	}
	return defaultColumns
}
