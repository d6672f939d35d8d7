// Package target starts and stops the server, or the client, under test.
package target

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A Command starts a server by the contract of SPEC.md, Appendix A.
type Command struct {
	// Args are the program and its arguments.
	Args []string
	// ReadyTimeout is how long the server may take to print its ready line.
	ReadyTimeout time.Duration
	// Mounts map the suite's paths to the server's. Several servers of one app use them in turn.
	// Empty means that the server has the suite's paths.
	Mounts []Mount
}

// mount returns the mount of a server.
func (c Command) mount(server int) Mount {
	if len(c.Mounts) == 0 {
		return Mount{}
	}
	return c.Mounts[server%len(c.Mounts)]
}

// Settings are the server's environment. Paths are the suite's.
type Settings struct {
	// ConfigPath is SyftBox's config file.
	ConfigPath string
	// App is the name of the app.
	App string
	// Role is the role of the program. Defaults to Server.
	Role Role
	// Options become the JSON of SYFTEVENT_OPTIONS. Defaults to an empty object.
	Options map[string]any
	// RecordPath is the file to which /record appends.
	RecordPath string
	// Server is the number of the server, if several servers share the work of an app.
	Server int
	// LogDir is the directory that receives stdout.log and stderr.log.
	LogDir string
}

// A NotReadyError says why a server never became ready.
type NotReadyError struct {
	Reason string
	// Stderr is the end of the server's log.
	Stderr string
}

func (e *NotReadyError) Error() string { return "the server did not become ready: " + e.Reason }

// A Process is a started server. Its goroutines end with the process.
type Process struct {
	ready   Ready
	command *exec.Cmd
	stdin   *os.File
	logDir  string
	exited  chan struct{} // closed when the process has exited
	err     error         // set before exited is closed

	linesRead    int64 // bytes of standard output that Lines has read
	linesSkipped int   // lines in them

	suspended bool
	unwritten [][]byte // lines for a suspended client
}

// killDelay is how long Kill waits for the process, and for descendants that hold its
// files open.
const killDelay = 5 * time.Second

// Start starts a server and waits until it is ready. It returns a *NotReadyError if the
// server never is; the process is killed then.
func Start(ctx context.Context, command Command, settings Settings) (*Process, error) {
	options := []byte("{}")
	var err error
	if settings.Options != nil {
		options, err = json.Marshal(settings.Options)
	}
	if err != nil {
		return nil, fmt.Errorf("encode options: %w", err)
	}
	if settings, err = command.mount(settings.Server).translate(settings); err != nil {
		return nil, err
	}
	cmd := exec.Command(command.Args[0], command.Args[1:]...)
	role := cmp.Or(settings.Role, Server)
	cmd.Env = append(os.Environ(),
		"SYFTEVENT_ROLE="+string(role),
		"SYFTBOX_CLIENT_CONFIG_PATH="+settings.ConfigPath,
		"SYFTEVENT_APP="+settings.App,
		"SYFTEVENT_OPTIONS="+string(options),
		"SYFTEVENT_RECORD="+settings.RecordPath,
	)
	cmd.WaitDelay = killDelay
	ownGroup(cmd)
	p := &Process{command: cmd, logDir: settings.LogDir, exited: make(chan struct{})}
	// Files, not pipes: a descendant that holds them open does not block Wait, and a
	// long log does not block the server.
	stdout, err := os.OpenFile(p.stdoutPath(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create server log: %w", err)
	}
	defer stdout.Close()
	stderr, err := os.OpenFile(p.stderrPath(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create server log: %w", err)
	}
	defer stderr.Close()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	input, stdin, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open the server's standard input: %w", err)
	}
	defer input.Close()
	cmd.Stdin, p.stdin = input, stdin
	if err := cmd.Start(); err != nil {
		stdin.Close()
		return nil, &NotReadyError{Reason: err.Error()}
	}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	err = p.awaitReady(ctx, command.ReadyTimeout)
	if err == nil {
		err = p.checkRole(role)
	}
	if err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

func (p *Process) stdoutPath() string { return filepath.Join(p.logDir, "stdout.log") }
func (p *Process) stderrPath() string { return filepath.Join(p.logDir, "stderr.log") }

// Ready returns the server's ready line.
func (p *Process) Ready() Ready { return p.ready }

// Exited reports whether the process has exited.
func (p *Process) Exited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// Status describes how the process exited: "exit status 1", or "running".
func (p *Process) Status() string {
	if !p.Exited() {
		return "running"
	}
	if state := p.command.ProcessState; state != nil {
		return state.String()
	}
	return fmt.Sprint(p.err)
}

// Kill kills the server and its descendants. It sends the signal before it closes the
// standard input, so that the server cannot shut down gracefully first.
func (p *Process) Kill() {
	kill(p.command.Process)
	p.stdin.Close()
	select {
	case <-p.exited:
	case <-time.After(2 * killDelay):
	}
}

// tailSize limits StderrTail, in bytes.
const tailSize = 4 << 10

// StderrTail returns the end of the server's log.
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

// PID returns the id of the process.
func (p *Process) PID() int { return p.command.Process.Pid }

// OwnGroup puts a command into a process group of its own, so that [KillGroup] ends its
// descendants too. It does nothing on systems without process groups.
func OwnGroup(cmd *exec.Cmd) { ownGroup(cmd) }

// KillGroup kills a process that was started with [OwnGroup], and its descendants.
func KillGroup(p *os.Process) { kill(p) }
