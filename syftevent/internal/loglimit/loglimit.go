// Package loglimit limits what a server logs, whatever senders do.
package loglimit

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
	// maxLines is the number of lines per message and minute.
	maxLines = 30
	// maxValue is the number of bytes logged of an attribute's value, and maxStack of
	// a stack.
	maxValue = 512
	maxStack = 4096
	// maxMessages is the number of messages that are counted separately.
	maxMessages = 100
)

// Period is the time in which lines are counted.
const Period = time.Minute

// A Handler is a slog.Handler that limits what it passes to another one. Lines that
// were suppressed are counted, and a line says how many within a minute.
type Handler struct {
	next   slog.Handler
	counts *counts // shared with the handlers that WithAttrs and WithGroup return
}

type counts struct {
	mu       sync.Mutex
	messages map[string]*count
}

// A count counts the lines of a message in one period.
type count struct {
	next         slog.Handler // of the last suppressed line
	level        slog.Level
	since        time.Time
	lines, extra int // logged and suppressed
}

// New returns a Handler that passes at most maxLines lines per message and Period to next.
func New(next slog.Handler) *Handler {
	return &Handler{next, &counts{messages: map[string]*count{}}}
}

// Enabled implements slog.Handler.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler. The handlers share their counts.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{h.next.WithAttrs(shorten(slices.Clone(attrs))), h.counts}
}

// WithGroup implements slog.Handler. The handlers share their counts.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{h.next.WithGroup(name), h.counts}
}

// Unlimited returns the handler to which lines are passed.
func (h *Handler) Unlimited() slog.Handler { return h.next }

// Handle logs a line, or counts it as suppressed.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	before, passed := h.counts.count(h.next, r)
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
	return h.next.Handle(ctx, short)
}

// count counts a line. It reports whether to log it, and what was suppressed before, which
// must be logged first.
func (c *counts) count(next slog.Handler, r slog.Record) (before *suppressed, passed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	message := r.Message
	n := c.messages[message]
	if n == nil && len(c.messages) >= maxMessages {
		message = "other messages"
		n = c.messages[message]
	}
	if n == nil {
		n = &count{since: r.Time}
		c.messages[message] = n
	}
	if r.Time.Sub(n.since) >= Period {
		before = n.end(message)
		n.since = r.Time
	}
	if n.lines == maxLines {
		n.extra++
		n.next, n.level = next, r.Level
		return before, false
	}
	n.lines++
	return before, true
}

// end starts a new period, and returns what was suppressed in the last, or nil.
func (n *count) end(message string) *suppressed {
	var before *suppressed
	if n.extra > 0 {
		before = &suppressed{*n, message}
	}
	*n = count{}
	return before
}

// A suppressed is the lines of a message that were not logged in a period.
type suppressed struct {
	count
	message string
}

func (o *suppressed) log() {
	slog.New(o.next).Log(context.Background(), o.level, "syftevent: log lines suppressed", "message", o.message, "count", o.extra, "since", o.since)
}

// Flush logs what was suppressed in the periods that are over, or in all.
func (h *Handler) Flush(now time.Time, all bool) {
	h.counts.mu.Lock()
	var ended []*suppressed
	for message, n := range h.counts.messages {
		if !all && now.Sub(n.since) < Period {
			continue
		}
		if left := n.end(message); left != nil {
			ended = append(ended, left)
		}
		delete(h.counts.messages, message)
	}
	h.counts.mu.Unlock()
	slices.SortFunc(ended, func(a, b *suppressed) int { return strings.Compare(a.message, b.message) })
	for _, left := range ended {
		left.log()
	}
}

// shorten truncates the values of attributes.
func shorten(attrs []slog.Attr) []slog.Attr {
	for i, a := range attrs {
		most := maxValue
		if a.Key == "stack" {
			most = maxStack
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
