// Package target starts and stops the server under test.
package target

import (
	"context"
	"encoding/json"
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
	// Mount says by which path the server sees the files.
	Mount Mount
}

// Settings are what the server is told by its environment, the paths as the suite
// sees them.
type Settings struct {
	ConfigPath string
	App        string
	Options    map[string]any
	RecordPath string
	// LogDir takes the files stdout.log and stderr.log.
	LogDir string
}

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
	exited  chan struct{} // closed when the process has ended
	err     error         // of the process; read after exited
}

// killDelay is how long a process may go on after it was killed, and its
// descendants may hold its files.
const killDelay = 5 * time.Second

// Start starts a server and waits until it is ready. If it never is, the error
// is a *NotReadyError and the process has ended.
func Start(ctx context.Context, command Command, settings Settings) (*Process, error) {
	options := []byte("{}")
	var err error
	if settings.Options != nil {
		options, err = json.Marshal(settings.Options)
	}
	if err != nil {
		return nil, fmt.Errorf("encoding the options: %w", err)
	}
	if settings, err = command.Mount.translate(settings); err != nil {
		return nil, err
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

// Kill ends the server and its descendants at once. The signal is sent before the
// standard input is closed: a server that saw its end first would stop in good order.
func (p *Process) Kill() {
	kill(p.command.Process)
	p.stdin.Close()
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

// OwnGroup makes a command the head of a process group, so that its descendants end
// with it. It does nothing on systems without process groups.
func OwnGroup(cmd *exec.Cmd) { ownGroup(cmd) }

// KillGroup ends a process that was started with [OwnGroup], and its descendants.
func KillGroup(p *os.Process) { kill(p) }
