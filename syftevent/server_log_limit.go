package syftevent

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// The bounds of a server's log: whoever sends files can cause lines, and chooses what
// is in them. The server has about 40 messages, of which one has a stack, so a minute
// has less than 2 MiB in the worst case, before the user's handler escapes it.
const (
	// maxLogLines is how many lines a message may have in a minute.
	maxLogLines = 30
	// maxLogValue is how many bytes of an attribute's value are logged, and
	// maxLogStack of a stack.
	maxLogValue = 512
	maxLogStack = 4096
	// maxLogMessages is how many messages are told apart.
	maxLogMessages = 100
	logPeriod      = time.Minute
)

// A logLimiter is a slog.Handler that bounds what another one gets. When lines of a
// message were left out, one says how many, no later than a minute after.
type logLimiter struct {
	next   slog.Handler
	counts *logCounts // shared with those that With returns
}

type logCounts struct {
	mu       sync.Mutex
	messages map[string]*logCount
}

// A logCount counts the lines of a message since a time.
type logCount struct {
	next         slog.Handler // of the last line that was left out
	level        slog.Level
	since        time.Time
	lines, extra int // that were logged, and left out
}

func newLogLimiter(next slog.Handler) *logLimiter {
	return &logLimiter{next, &logCounts{messages: map[string]*logCount{}}}
}

func (l *logLimiter) Enabled(ctx context.Context, level slog.Level) bool {
	return l.next.Enabled(ctx, level)
}

func (l *logLimiter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logLimiter{l.next.WithAttrs(shorten(slices.Clone(attrs))), l.counts}
}

func (l *logLimiter) WithGroup(name string) slog.Handler {
	return &logLimiter{l.next.WithGroup(name), l.counts}
}

// Handle logs a line, or counts it.
func (l *logLimiter) Handle(ctx context.Context, r slog.Record) error {
	left, passed := l.counts.count(l.next, r)
	if left != nil {
		left.log()
	}
	if !passed {
		return nil
	}
	short := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	short.AddAttrs(shorten(attrs)...)
	return l.next.Handle(ctx, short)
}

// count counts a line, and reports whether it is to be logged, and first what was left
// out before.
func (c *logCounts) count(next slog.Handler, r slog.Record) (left *leftOut, passed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	message := r.Message
	n := c.messages[message]
	if n == nil && len(c.messages) >= maxLogMessages {
		message = "other messages"
		n = c.messages[message]
	}
	if n == nil {
		n = &logCount{since: r.Time}
		c.messages[message] = n
	}
	if r.Time.Sub(n.since) >= logPeriod {
		left = n.end(message)
		n.since = r.Time
	}
	if n.lines == maxLogLines {
		n.extra++
		n.next, n.level = next, r.Level
		return left, false
	}
	n.lines++
	return left, true
}

// end begins the count anew, and returns what was left out, nil for nothing.
func (n *logCount) end(message string) *leftOut {
	var left *leftOut
	if n.extra > 0 {
		left = &leftOut{*n, message}
	}
	*n = logCount{}
	return left
}

// A leftOut is what was left out of a message.
type leftOut struct {
	logCount
	message string
}

func (o *leftOut) log() {
	slog.New(o.next).Log(context.Background(), o.level, "syftevent: more of the same was not logged", "message", o.message, "count", o.extra, "since", o.since)
}

// flush logs what was left out of messages whose minute is over, or of all.
func (l *logLimiter) flush(now time.Time, all bool) {
	l.counts.mu.Lock()
	var ended []*leftOut
	for message, n := range l.counts.messages {
		if !all && now.Sub(n.since) < logPeriod {
			continue
		}
		if left := n.end(message); left != nil {
			ended = append(ended, left)
		}
		delete(l.counts.messages, message)
	}
	l.counts.mu.Unlock()
	slices.SortFunc(ended, func(a, b *leftOut) int { return strings.Compare(a.message, b.message) })
	for _, left := range ended {
		left.log()
	}
}

// shorten cuts the values of attributes.
func shorten(attrs []slog.Attr) []slog.Attr {
	for i, a := range attrs {
		most := maxLogValue
		if a.Key == "stack" {
			most = maxLogStack
		}
		var text string
		switch v := a.Value.Resolve(); v.Kind() {
		case slog.KindString:
			text = v.String()
		case slog.KindAny:
			text = fmt.Sprint(v.Any()) // which survives methods that panic
		}
		if len(text) > most {
			attrs[i].Value = slog.StringValue(strings.ToValidUTF8(text[:most], "") + fmt.Sprintf("… (%d bytes)", len(text)))
		}
	}
	return attrs
}
