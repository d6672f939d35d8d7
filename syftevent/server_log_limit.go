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

// Bounds of a server's log. Senders can cause lines, and choose parts of their content.
// The server has about 40 messages, one of which has a stack: at most 2 MiB a minute,
// before the user's handler escapes them.
const (
	// maxLogLines is the number of lines per message and minute.
	maxLogLines = 30
	// maxLogValue is the number of bytes logged of an attribute's value, and maxLogStack of
	// a stack.
	maxLogValue = 512
	maxLogStack = 4096
	// maxLogMessages is the number of messages that are counted separately.
	maxLogMessages = 100
	logPeriod      = time.Minute
)

// A logLimiter is a slog.Handler that limits what it passes to another one. Lines that
// were suppressed are counted, and a line says how many within a minute.
type logLimiter struct {
	next   slog.Handler
	counts *logCounts // shared with the handlers that WithAttrs and WithGroup return
}

type logCounts struct {
	mu       sync.Mutex
	messages map[string]*logCount
}

// A logCount counts the lines of a message in one period.
type logCount struct {
	next         slog.Handler // of the last suppressed line
	level        slog.Level
	since        time.Time
	lines, extra int // logged and suppressed
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

// Handle logs a line, or counts it as suppressed.
func (l *logLimiter) Handle(ctx context.Context, r slog.Record) error {
	before, passed := l.counts.count(l.next, r)
	if before != nil {
		before.log()
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

// count counts a line. It reports whether to log it, and what was suppressed before, which
// must be logged first.
func (c *logCounts) count(next slog.Handler, r slog.Record) (before *suppressed, passed bool) {
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
		before = n.end(message)
		n.since = r.Time
	}
	if n.lines == maxLogLines {
		n.extra++
		n.next, n.level = next, r.Level
		return before, false
	}
	n.lines++
	return before, true
}

// end starts a new period, and returns what was suppressed in the last, or nil.
func (n *logCount) end(message string) *suppressed {
	var before *suppressed
	if n.extra > 0 {
		before = &suppressed{*n, message}
	}
	*n = logCount{}
	return before
}

// A suppressed is the lines of a message that were not logged in a period.
type suppressed struct {
	logCount
	message string
}

func (o *suppressed) log() {
	slog.New(o.next).Log(context.Background(), o.level, "syftevent: log lines suppressed", "message", o.message, "count", o.extra, "since", o.since)
}

// flush logs what was suppressed in the periods that are over, or in all.
func (l *logLimiter) flush(now time.Time, all bool) {
	l.counts.mu.Lock()
	var ended []*suppressed
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
	slices.SortFunc(ended, func(a, b *suppressed) int { return strings.Compare(a.message, b.message) })
	for _, left := range ended {
		left.log()
	}
}

// shorten truncates the values of attributes.
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
			text = fmt.Sprint(v.Any()) // it recovers panics of the value's methods
		}
		if len(text) > most {
			attrs[i].Value = slog.StringValue(strings.ToValidUTF8(text[:most], "") + fmt.Sprintf("… (%d bytes)", len(text)))
		}
	}
	return attrs
}
