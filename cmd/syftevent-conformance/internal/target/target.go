// Package target starts and stops the server under test.
package target

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A Command says how to start a server. It is the contract of SPEC.md,
// Appendix A, from the side of the suite.
type Command struct {
	// Args are the program and its arguments.
	Args []string
	// ReadyTimeout is how long the server may take to print its ready line.
	ReadyTimeout time.Duration
}

// Settings are what the server is told by its environment.
type Settings struct {
	ConfigPath string
	App        string
	Options    map[string]any
	RecordPath string
	// LogDir takes the files stdout.log and stderr.log.
	LogDir string
}

// Ready is the line with which a server says that it is ready.
type Ready struct {
	Ready          bool     `json:"ready"`
	Implementation string   `json:"implementation"`
	Version        string   `json:"version"`
	Features       []string `json:"features"`
	PollMS         float64  `json:"poll_ms"`
	SettleMS       float64  `json:"settle_ms"`
	MaxRequestSize int64    `json:"max_request_size"`
}

// Poll is the longest time between two looks of the server for requests.
func (r Ready) Poll() time.Duration { return time.Duration(r.PollMS * float64(time.Millisecond)) }

// Settle is how long an incomplete file must stay the same.
func (r Ready) Settle() time.Duration { return time.Duration(r.SettleMS * float64(time.Millisecond)) }

// A NotReadyError says why a server never became ready.
type NotReadyError struct {
	Reason string
	// Stderr is the end of what the server logged.
	Stderr string
}

func (e *NotReadyError) Error() string { return "the server did not become ready: " + e.Reason }

// A Process is a server that was started. Start begins two goroutines, which
// end with the process.
type Process struct {
	ready   Ready
	command *exec.Cmd
	stdin   io.Closer
	logDir  string
	seen    int64         // how much of its output was looked at for the ready line
	exited  chan struct{} // closed when the process has ended
	err     error         // of the process; read after exited
}

// killDelay is how long a process may go on after it was killed, and its
// descendants may hold its files.
const killDelay = 5 * time.Second

// Start starts a server and waits until it is ready. If it never is, the error
// is a *NotReadyError and the process has ended.
func Start(ctx context.Context, command Command, settings Settings) (*Process, error) {
	options, err := json.Marshal(settings.Options)
	if err != nil {
		return nil, fmt.Errorf("encoding the options: %w", err)
	}
	cmd := exec.Command(command.Args[0], command.Args[1:]...)
	cmd.Env = append(os.Environ(),
		"SYFTBOX_CLIENT_CONFIG_PATH="+settings.ConfigPath,
		"SYFTEVENT_APP="+settings.App,
		"SYFTEVENT_OPTIONS="+string(options),
		"SYFTEVENT_RECORD="+settings.RecordPath,
	)
	cmd.WaitDelay = killDelay
	ownGroup(cmd)
	p := &Process{command: cmd, logDir: settings.LogDir, exited: make(chan struct{})}
	// Files and not pipes: a descendant that keeps them open keeps nobody
	// waiting, and a million lines of log fill no buffer.
	stdout, err := os.OpenFile(p.stdoutPath(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("making the server's log: %w", err)
	}
	defer stdout.Close()
	stderr, err := os.OpenFile(p.stderrPath(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("making the server's log: %w", err)
	}
	defer stderr.Close()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("making the server's standard input: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, &NotReadyError{Reason: err.Error()}
	}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	if err := p.awaitReady(ctx, command.ReadyTimeout); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

func (p *Process) stdoutPath() string { return filepath.Join(p.logDir, "stdout.log") }
func (p *Process) stderrPath() string { return filepath.Join(p.logDir, "stderr.log") }

// awaitReady waits for the ready line.
func (p *Process) awaitReady(ctx context.Context, timeout time.Duration) error {
	notReady := func(format string, args ...any) error {
		return &NotReadyError{Reason: fmt.Sprintf(format, args...), Stderr: p.StderrTail()}
	}
	deadline := time.After(timeout)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		// Whether it has ended is asked first: what it printed last is read
		// after that.
		ended := p.Exited()
		found, err := p.readReady()
		switch {
		case err != nil:
			return notReady("%v", err)
		case found:
			return nil
		case ended:
			return notReady("it ended first (%s)", p.Status())
		}
		select {
		case <-tick.C:
		case <-p.exited:
		case <-deadline:
			return notReady("it printed no ready line on standard output within %v (does it flush what it prints?)", timeout)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// readReady looks for the ready line among the lines that were printed since it
// looked last.
func (p *Process) readReady() (bool, error) {
	f, err := os.Open(p.stdoutPath())
	if err != nil {
		return false, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.NewSectionReader(f, p.seen, 1<<40))
	if err != nil {
		return false, err
	}
	for line := range bytes.Lines(data) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // the rest of it is to come
		}
		p.seen += int64(len(line))
		if ready, ok, err := parseReady(line); ok {
			p.ready = ready
			return true, err
		}
	}
	return false, nil
}

// parseReady reports whether a line is meant as the ready line, and if so what
// it says.
func parseReady(line []byte) (ready Ready, ok bool, err error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(line, &members) != nil || string(members["ready"]) != "true" {
		return ready, false, nil
	}
	ready.SettleMS = 2000
	if err := json.Unmarshal(line, &ready); err != nil {
		return ready, true, fmt.Errorf("its ready line is wrong: %w", err)
	}
	for _, name := range []string{"implementation", "version", "features", "poll_ms"} {
		if _, there := members[name]; !there {
			return ready, true, fmt.Errorf("its ready line lacks %q: %s", name, bytes.TrimSpace(line))
		}
	}
	if ready.PollMS <= 0 {
		return ready, true, fmt.Errorf(`"poll_ms" must be more than 0 in its ready line: %s`, bytes.TrimSpace(line))
	}
	return ready, true, nil
}

// Ready returns what the server said of itself.
func (p *Process) Ready() Ready { return p.ready }

// Exited reports whether the process has ended.
func (p *Process) Exited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// Status says how the process ended.
func (p *Process) Status() string {
	if !p.Exited() {
		return "running"
	}
	if state := p.command.ProcessState; state != nil {
		return state.String()
	}
	return fmt.Sprint(p.err)
}

// ErrIgnoredStop means that a server had to be killed.
var ErrIgnoredStop = errors.New("the server went on after SIGTERM and the end of its standard input, and was killed")

// Stop tells the server to stop, by both of the ways in which it may be told,
// and kills it after the grace.
func (p *Process) Stop(grace time.Duration) error {
	p.stdin.Close()
	terminate(p.command.Process)
	select {
	case <-p.exited:
		p.Kill() // descendants
		return nil
	case <-time.After(grace):
		p.Kill()
		return ErrIgnoredStop
	}
}

// Kill ends the server and its descendants at once.
func (p *Process) Kill() {
	p.stdin.Close()
	kill(p.command.Process)
	select {
	case <-p.exited:
	case <-time.After(2 * killDelay):
	}
}

// tailSize is how much of the server's log is shown.
const tailSize = 4 << 10

// StderrTail returns the end of what the server logged.
func (p *Process) StderrTail() string {
	f, err := os.Open(p.stderrPath())
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	data := make([]byte, tailSize)
	n, _ := f.ReadAt(data, max(0, info.Size()-tailSize))
	text := string(data[:n])
	if info.Size() > tailSize {
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
}

// PID returns the number of the process.
func (p *Process) PID() int { return p.command.Process.Pid }
