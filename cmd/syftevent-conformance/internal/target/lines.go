package target

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"
)

// writeTimeout is how long a client may leave a line on its standard input unread.
const writeTimeout = 10 * time.Second

// Write writes a line to the standard input of a client. A suspended client, which reads nothing,
// gets it from [Process.Resume].
func (p *Process) Write(line []byte) error {
	if p.suspended {
		p.unwritten = append(p.unwritten, line)
		return nil
	}
	p.stdin.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := p.stdin.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write to standard input: %w", err)
	}
	return nil
}

// Lines returns the lines that a client has printed after its ready line and since the last call of
// Lines. It must not be called concurrently.
func (p *Process) Lines() (lines [][]byte, err error) {
	f, err := os.Open(p.stdoutPath())
	if err != nil {
		return nil, fmt.Errorf("read standard output: %w", err)
	}
	defer f.Close()
	more, err := io.ReadAll(io.NewSectionReader(f, p.linesRead, 1<<62))
	if err != nil {
		return nil, fmt.Errorf("read standard output: %w", err)
	}
	for {
		line, rest, complete := bytes.Cut(more, []byte("\n"))
		if !complete {
			return lines, nil
		}
		if p.linesSkipped > p.ready.SkippedLines {
			lines = append(lines, line)
		}
		p.linesSkipped++
		p.linesRead += int64(len(line)) + 1
		more = rest
	}
}
