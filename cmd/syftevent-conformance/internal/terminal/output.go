package terminal

import (
	"io"
	"sync"
	"unicode/utf8"
)

// eraseLine moves to the beginning of the line and erases it.
const eraseLine = "\r\x1b[K"

// An Output writes to an output. On a terminal, it can show a status line below what was
// written, which replaces itself. Its methods may be called concurrently.
type Output struct {
	w      io.Writer
	screen Screen

	mu      sync.Mutex
	shown   bool // the status line is on the screen
	midLine bool // the last write did not end a line
}

// NewOutput returns an Output that writes to w, which can show what screen says.
func NewOutput(w io.Writer, screen Screen) *Output { return &Output{w: w, screen: screen} }

// Screen returns what the output can show.
func (o *Output) Screen() Screen { return o.screen }

// Write erases the status line and writes p.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.erase()
	n, err := o.w.Write(p)
	if n > 0 {
		o.midLine = p[n-1] != '\n'
	}
	return n, err
}

// Show replaces the status line, and cuts it to the width of the terminal. "" erases it. If
// the output is no terminal, Show does nothing.
func (o *Output) Show(status string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.screen.Live || o.midLine {
		return
	}
	if status == "" {
		o.erase()
		return
	}
	// A terminal may wrap a line that fills its last column.
	io.WriteString(o.w, eraseLine+cut(status, o.screen.columns()-1))
	o.shown = true
}

func (o *Output) erase() {
	if o.shown {
		io.WriteString(o.w, eraseLine)
		o.shown = false
	}
}

// cut shortens a text to a number of columns. Each character counts as one.
func cut(text string, columns int) string {
	if utf8.RuneCountInString(text) <= columns {
		return text
	}
	runes := []rune(text)
	return string(runes[:max(0, columns-1)]) + "…"
}
