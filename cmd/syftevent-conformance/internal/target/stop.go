package target

import (
	"errors"
	"fmt"
	"time"
)

// ErrIgnoredStop means that a server had to be killed.
var ErrIgnoredStop = errors.New("and was killed")

// Stop tells the server to stop, by both of the ways in which it may be told,
// and kills it after the grace. The error is then an [ErrIgnoredStop].
func (p *Process) Stop(grace time.Duration) error {
	p.stdin.Close()
	terminate(p.command.Process)
	return p.awaitEnd(grace, "SIGTERM and the end of its standard input")
}

// StopBySignal is Stop by SIGTERM alone. Where there are no signals it does nothing
// and returns [errors.ErrUnsupported].
func (p *Process) StopBySignal(grace time.Duration) error {
	if !hasSignals {
		return errors.ErrUnsupported
	}
	terminate(p.command.Process)
	return p.awaitEnd(grace, "SIGTERM")
}

// StopByInput is Stop by the end of standard input alone.
func (p *Process) StopByInput(grace time.Duration) error {
	p.stdin.Close()
	return p.awaitEnd(grace, "the end of its standard input")
}

// awaitEnd waits until the server has ended, and ends what is left of it.
func (p *Process) awaitEnd(grace time.Duration, told string) error {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.exited:
		p.Kill() // descendants
		return nil
	case <-timer.C:
		p.Kill()
		return fmt.Errorf("the server went on for %v after %s, %w", grace, told, ErrIgnoredStop)
	}
}
