package target

import (
	"errors"
	"fmt"
	"time"
)

// ErrIgnoredStop means that a server did not stop within the grace period.
var ErrIgnoredStop = errors.New("it ignored the stop request and was killed")

// Stop asks the server to stop, by SIGTERM and by the end of standard input, and kills
// it after the grace period. The error is then an [ErrIgnoredStop].
func (p *Process) Stop(grace time.Duration) error {
	p.stdin.Close()
	terminate(p.command.Process)
	return p.awaitExit(grace, "SIGTERM and the end of standard input")
}

// StopBySignal is Stop by SIGTERM alone. It returns [errors.ErrUnsupported] on systems
// without signals.
func (p *Process) StopBySignal(grace time.Duration) error {
	if !hasSignals {
		return errors.ErrUnsupported
	}
	terminate(p.command.Process)
	return p.awaitExit(grace, "SIGTERM")
}

// StopByInput is Stop by the end of standard input alone.
func (p *Process) StopByInput(grace time.Duration) error {
	p.stdin.Close()
	return p.awaitExit(grace, "the end of standard input")
}

// Suspend stops the server and its descendants until [Process.Resume], as the operating system
// does to a job in the background. It returns [errors.ErrUnsupported] on systems without signals.
func (p *Process) Suspend() error {
	if !hasSignals {
		return errors.ErrUnsupported
	}
	suspend(p.command.Process)
	p.suspended = true
	return nil
}

// Resume lets a suspended server go on, and writes the lines that [Process.Write] has kept.
func (p *Process) Resume() error {
	resume(p.command.Process)
	p.suspended = false
	lines := p.unwritten
	p.unwritten = nil
	for _, line := range lines {
		if err := p.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// awaitExit waits until the server has exited, and kills what is left of its group.
func (p *Process) awaitExit(grace time.Duration, request string) error {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.exited:
		p.Kill() // descendants
		return nil
	case <-timer.C:
		p.Kill()
		return fmt.Errorf("the server still ran %v after %s: %w", grace, request, ErrIgnoredStop)
	}
}
