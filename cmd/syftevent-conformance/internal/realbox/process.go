package realbox

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A process is a running program of the network. Its goroutine ends with it.
type process struct {
	name   string
	cmd    *exec.Cmd
	log    string // path of its log file
	from   int64  // offset of its output in the log file
	exited chan struct{}
}

// start starts a program and appends its output to a log file.
func start(name string, cmd *exec.Cmd, log string) (*process, error) {
	f, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	cmd.Stdout, cmd.Stderr = f, f
	p := &process{name: name, cmd: cmd, log: log, from: info.Size(), exited: make(chan struct{})}
	if err := spawn(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		cmd.Wait() // the state is in cmd.ProcessState
		close(p.exited)
	}()
	return p, nil
}

func (p *process) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// stopGrace is how long stop waits before it kills the process.
const stopGrace = 10 * time.Second

// stop asks the process to exit, and kills it after stopGrace.
func (p *process) stop() {
	if !p.running() {
		return
	}
	terminate(p.cmd.Process)
	select {
	case <-p.exited:
	case <-time.After(stopGrace):
		p.kill()
	}
}

// kill kills the process and waits until it has exited.
func (p *process) kill() {
	if !p.running() {
		return
	}
	kill(p.cmd.Process)
	<-p.exited
}

// output returns the log of the process.
func (p *process) output() string {
	f, err := os.Open(p.log)
	if err != nil {
		return ""
	}
	defer f.Close()
	if _, err := f.Seek(p.from, io.SeekStart); err != nil {
		return ""
	}
	data, _ := io.ReadAll(io.LimitReader(f, 1<<20))
	return string(data)
}

// lostPort reports whether the process has exited because another program listens on its
// port.
func (p *process) lostPort() bool {
	if p.running() {
		return false
	}
	output := p.output()
	return strings.Contains(output, "address already in use") || strings.Contains(output, "Only one usage of each socket address")
}

// await waits until ready reports true. It fails when the process exits, when ctx is
// done, or after the timeout.
func (p *process) await(ctx context.Context, timeout time.Duration, ready func() bool) error {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if ready() && p.running() {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return p.failed(fmt.Sprintf("exited before it was ready (%v)", p.cmd.ProcessState))
		case <-timer.C:
			return p.failed(fmt.Sprintf("not ready after %v", timeout))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// shownLines is how many lines of the log an error shows.
const shownLines = 15

func (p *process) failed(what string) error {
	return fmt.Errorf("%s: %s; end of %s:\n%s", p.name, what, p.log, lastLines(p.output(), shownLines))
}

// portAttempts is how many ports onFreePort tries.
const portAttempts = 5

// onFreePort starts a program on a free port. If another program takes the port first,
// it tries another port.
func onFreePort(startOn func(port int) (*process, error)) (*process, int, error) {
	for attempt := 1; ; attempt++ {
		port, err := freePort()
		if err != nil {
			return nil, 0, err
		}
		p, err := startOn(port)
		if err == nil {
			return p, port, nil
		}
		if p == nil || attempt == portAttempts || !p.lostPort() {
			if p != nil {
				p.kill()
			}
			return nil, 0, err
		}
	}
}

// freePort returns a port that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
