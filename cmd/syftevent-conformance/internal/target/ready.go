package target

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Ready is the line with which a server says that it is ready.
type Ready struct {
	Ready          bool     `json:"ready"`
	Implementation string   `json:"implementation"`
	Version        string   `json:"version"`
	Features       []string `json:"features"`
	PollMS         float64  `json:"poll_ms"`
	SettleMS       float64  `json:"settle_ms"`
	RepublishMS    float64  `json:"republish_ms"`
	OrphanMS       float64  `json:"orphan_ms"`
	MaxRequestSize int64    `json:"max_request_size"`
	// PassedOver is how many lines the server has printed before this one.
	PassedOver int `json:"-"`
}

// Poll is the longest time between two looks of the server for requests.
func (r Ready) Poll() time.Duration { return time.Duration(r.PollMS * float64(time.Millisecond)) }

// Settle is how long an incomplete file must stay the same.
func (r Ready) Settle() time.Duration { return time.Duration(r.SettleMS * float64(time.Millisecond)) }

// Republish is after which time a response that was deleted is published again, 0 if
// it is at once, or never.
func (r Ready) Republish() time.Duration {
	return time.Duration(r.RepublishMS * float64(time.Millisecond))
}

// Orphan is how long a response must have stood without its request before the server
// removes it, 0 if it never does.
func (r Ready) Orphan() time.Duration { return time.Duration(r.OrphanMS * float64(time.Millisecond)) }

// awaitReady waits for the ready line.
func (p *Process) awaitReady(ctx context.Context, timeout time.Duration) error {
	var output readyReader
	notReady := func(format string, args ...any) error {
		return &NotReadyError{Reason: fmt.Sprintf(format, args...), Stderr: p.StderrTail()}
	}
	stdout, err := os.Open(p.stdoutPath())
	if err != nil {
		return fmt.Errorf("reading what the server prints: %w", err)
	}
	defer stdout.Close()
	deadline := time.Now().Add(timeout)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		// Whether it has ended is asked first: what it printed last is read
		// after that.
		ended := p.Exited()
		found, more, err := output.readFrom(stdout)
		switch {
		case err != nil:
			return notReady("%v", err)
		case found:
			p.ready = output.ready
			return nil
		case output.size > mostOutput:
			return notReady("it goes on printing: %s", output.describe())
		case ended && !more && output.size == 0:
			return notReady("it ended first (%s)", p.Status())
		case ended && !more:
			return notReady("it ended first (%s); on standard output it had printed %s", p.Status(), output.describe())
		case time.Now().After(deadline):
			return notReady("it printed no ready line on standard output within %v, but %s (does it flush what it prints?)", timeout, output.describe())
		}
		select {
		case <-tick.C:
		case <-p.exited:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

const (
	// mostLine is how long a ready line may be.
	mostLine = 1 << 20
	// mostOutput is how much may come before it: more fills the disk.
	mostOutput = 256 << 20
	// mostAtOnce is how much is read before it is asked whether the time is over.
	mostAtOnce = 1 << 20
)

// A readyReader looks for the ready line in what a server prints, whatever that is:
// it reads each byte once, and keeps no more than a line.
type readyReader struct {
	ready Ready // when it was found

	size   int64  // of all that was read
	line   []byte // one of which the end is still to come, at most mostLine bytes of it
	length int64  // of that line
	lines  int    // before it
	last   []byte // how the last of them begins
	lastN  int64  // its length
	almost string // one that has "ready", but not as true
}

// readFrom reads on in the output, and reports whether the ready line is in what it
// has read, and whether there may be more. The error says what is wrong with that
// line.
func (r *readyReader) readFrom(output io.Reader) (found, more bool, err error) {
	chunk := make([]byte, 64<<10)
	for until := r.size + mostAtOnce; r.size < until; {
		n, err := output.Read(chunk)
		r.size += int64(n)
		if found, err := r.add(chunk[:n]); found {
			return true, false, err
		}
		switch {
		case errors.Is(err, io.EOF):
			return false, false, nil
		case err != nil:
			return false, false, fmt.Errorf("reading what it prints: %w", err)
		}
	}
	return false, true, nil
}

// add reports whether more of the output completes the ready line.
func (r *readyReader) add(data []byte) (found bool, err error) {
	for len(data) > 0 {
		part, after, ended := bytes.Cut(data, []byte("\n"))
		r.length += int64(len(part))
		r.line = append(r.line, part[:min(len(part), mostLine-len(r.line))]...)
		if !ended {
			break
		}
		if found, err := r.endLine(); found {
			return true, err
		}
		data = after
	}
	return false, nil
}

// endLine reports whether the line that is complete now is the ready line.
func (r *readyReader) endLine() (found bool, err error) {
	line := r.line
	if r.length <= mostLine && bytes.Contains(line, []byte(`"ready"`)) {
		if r.ready, found, err = parseReady(line); found {
			r.ready.PassedOver = r.lines
			return true, err
		}
		r.almost = excerpt(line, r.length)
	}
	r.lines++
	r.last, r.lastN = append(r.last[:0], line[:min(len(line), mostShown)]...), r.length
	r.line, r.length = r.line[:0], 0
	return false, nil
}

// describe says what was printed instead of a ready line.
func (r *readyReader) describe() string {
	if r.size == 0 {
		return "nothing at all"
	}
	last := excerpt(r.last, r.lastN)
	var parts []string
	switch {
	case r.lines == 1:
		parts = append(parts, "the line "+last)
	case r.lines > 1:
		parts = append(parts, fmt.Sprintf("%d lines, the last of which is %s", r.lines, last))
	}
	if r.length > 0 {
		parts = append(parts, fmt.Sprintf("%d bytes without the end of a line, %s", r.length, excerpt(r.line, r.length)))
	}
	if r.almost != "" && r.almost != last {
		parts = append(parts, `a line in which "ready" is not true, `+r.almost)
	}
	return strings.Join(parts, ", and ")
}

// mostShown is how much of a line is shown.
const mostShown = 120

// excerpt shows how a line begins that may be anything.
func excerpt(line []byte, length int64) string {
	text := strings.ToValidUTF8(string(line[:min(len(line), mostShown)]), "\uFFFD")
	if length > mostShown {
		return fmt.Sprintf("%q…", text)
	}
	return fmt.Sprintf("%q", text)
}

// mostInterval is longer than any server looks away, in milliseconds.
const mostInterval = 3_600_000

// parseReady reports whether a line is meant as the ready line, and if so what
// it says.
func parseReady(line []byte) (ready Ready, ok bool, err error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(line, &members) != nil || string(members["ready"]) != "true" {
		return ready, false, nil
	}
	ready.SettleMS = 2000
	if err := json.Unmarshal(line, &ready); err != nil {
		var wrongType *json.UnmarshalTypeError
		if errors.As(err, &wrongType) {
			err = fmt.Errorf("%q is a %s", wrongType.Field, wrongType.Value)
		}
		return ready, true, fmt.Errorf("its ready line is wrong: %w, not what SPEC.md, Appendix A, says: %s", err, bytes.TrimSpace(line[:min(len(line), mostShown)]))
	}
	for _, name := range []string{"implementation", "version", "features", "poll_ms"} {
		if _, there := members[name]; !there {
			return ready, true, fmt.Errorf("its ready line lacks %q: %s", name, bytes.TrimSpace(line))
		}
	}
	wrong := ""
	switch {
	case ready.Implementation == "":
		wrong = `"implementation" must not be empty`
	case ready.PollMS <= 0 || ready.PollMS > mostInterval:
		wrong = `"poll_ms" must be more than 0 and no more than an hour`
	case ready.SettleMS < 0 || ready.SettleMS > mostInterval:
		wrong = `"settle_ms" must be at least 0 and no more than an hour`
	case ready.RepublishMS < 0 || ready.RepublishMS > mostInterval:
		wrong = `"republish_ms" must be at least 0 and no more than an hour`
	case ready.OrphanMS < 0 || ready.OrphanMS > mostInterval:
		wrong = `"orphan_ms" must be at least 0 and no more than an hour`
	case ready.MaxRequestSize < 0:
		wrong = `"max_request_size" must be at least 0`
	}
	if wrong != "" {
		return ready, true, fmt.Errorf("%s in its ready line: %s", wrong, bytes.TrimSpace(line))
	}
	return ready, true, nil
}
