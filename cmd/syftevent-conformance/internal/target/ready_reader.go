package target

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	// maxLine limits the ready line.
	maxLine = 1 << 20
	// maxOutput limits the output before the ready line, which fills the disk.
	maxOutput = 256 << 20
	// maxRead limits one call of readFrom.
	maxRead = 1 << 20
)

// A readyReader finds the ready line in a server's output, which may be anything. It
// reads each byte once and keeps at most one line.
type readyReader struct {
	ready Ready // once it is found

	size   int64  // bytes read
	line   []byte // the first maxLine bytes of the current line
	length int64  // of the current line
	lines  int    // complete lines before it
	last   []byte // the start of the last complete line
	lastN  int64  // the length of the last complete line
	almost string // a line that has "ready" with another value than true
}

// readFrom reads more output. It reports whether it has found the ready line, and
// whether there may be more to read. The error says what is wrong with the ready line.
func (r *readyReader) readFrom(output io.Reader) (found, more bool, err error) {
	chunk := make([]byte, 64<<10)
	for until := r.size + maxRead; r.size < until; {
		n, err := output.Read(chunk)
		r.size += int64(n)
		if found, err := r.add(chunk[:n]); found {
			return true, false, err
		}
		switch {
		case errors.Is(err, io.EOF):
			return false, false, nil
		case err != nil:
			return false, false, fmt.Errorf("read output: %w", err)
		}
	}
	return false, true, nil
}

// add adds output and reports whether it completes the ready line.
func (r *readyReader) add(data []byte) (found bool, err error) {
	for len(data) > 0 {
		part, after, ended := bytes.Cut(data, []byte("\n"))
		r.length += int64(len(part))
		r.line = append(r.line, part[:min(len(part), maxLine-len(r.line))]...)
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

// endLine completes the current line and reports whether it is the ready line.
func (r *readyReader) endLine() (found bool, err error) {
	line := r.line
	if r.length <= maxLine && bytes.Contains(line, []byte(`"ready"`)) {
		if r.ready, found, err = parseReady(line); found {
			r.ready.SkippedLines = r.lines
			return true, err
		}
		r.almost = excerpt(line, r.length)
	}
	r.lines++
	r.last, r.lastN = append(r.last[:0], line[:min(len(line), maxShown)]...), r.length
	r.line, r.length = r.line[:0], 0
	return false, nil
}

// describe summarizes output that has no ready line.
func (r *readyReader) describe() string {
	if r.size == 0 {
		return "nothing"
	}
	last := excerpt(r.last, r.lastN)
	var parts []string
	switch {
	case r.lines == 1:
		parts = append(parts, "the line "+last)
	case r.lines > 1:
		parts = append(parts, fmt.Sprintf("%d lines, the last one %s", r.lines, last))
	}
	if r.length > 0 {
		parts = append(parts, fmt.Sprintf("%d bytes without a newline, %s", r.length, excerpt(r.line, r.length)))
	}
	if r.almost != "" && r.almost != last {
		parts = append(parts, `a line whose "ready" is not true, `+r.almost)
	}
	return strings.Join(parts, ", and ")
}

// maxShown limits the excerpt of a line.
const maxShown = 120

// excerpt quotes the start of a line.
func excerpt(line []byte, length int64) string {
	text := strings.ToValidUTF8(string(line[:min(len(line), maxShown)]), "\uFFFD")
	if length > maxShown {
		return fmt.Sprintf("%q…", text)
	}
	return fmt.Sprintf("%q", text)
}
