package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/syftevent/syftevent-go/syftevent"
)

// A progress shows on a terminal that a call waits, on a line that it erases at the end.
type progress struct {
	out     io.Writer
	begin   time.Time
	stop    chan struct{}
	stopped sync.WaitGroup

	mu      sync.Mutex
	pending *syftevent.Future
	shown   int // columns on the screen
}

// progressColumns is the width of the line: a longer one would wrap on most terminals.
const progressColumns = 79

// newProgress starts the line. It shows nothing unless the output is a terminal.
func newProgress(out io.Writer) *progress {
	p := &progress{out: out, begin: time.Now(), stop: make(chan struct{})}
	if isTerminal(out) {
		p.stopped.Go(p.run)
	}
	return p
}

// sent notes the request that the call waits for.
func (p *progress) sent(pending *syftevent.Future) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending = pending
}

// run shows the line every second.
func (p *progress) run() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.show(p.line(time.Since(p.begin)))
		case <-p.stop:
			p.show("")
			return
		}
	}
}

// end erases the line.
func (p *progress) end() {
	close(p.stop)
	p.stopped.Wait()
}

func (p *progress) line(waited time.Duration) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending == nil {
		return ""
	}
	return waitingLine(p.pending.URL.Datasite, waited, p.pending.Resent())
}

// waitingLine returns the line for a wait for the response of somebody.
func waitingLine(whom string, waited time.Duration, resent int) string {
	line := fmt.Sprintf("waiting for %s, %d s", printableCut(whom, 40), int(waited.Seconds()))
	switch {
	case resent == 1:
		line += ", resent once"
	case resent > 1:
		line += fmt.Sprintf(", resent %d times", resent)
	}
	return line
}

// show replaces the line. It uses no escape sequences, which not every console obeys.
func (p *progress) show(line string) {
	line = string([]rune(line)[:min(utf8.RuneCountInString(line), progressColumns)])
	columns := utf8.RuneCountInString(line)
	if columns == 0 && p.shown == 0 {
		return
	}
	text := "\r" + line + strings.Repeat(" ", max(0, p.shown-columns))
	if columns == 0 {
		text += "\r"
	}
	io.WriteString(p.out, text)
	p.shown = columns
}
