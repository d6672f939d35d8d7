package cmdline

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// A signalError is the cause of a context that a signal canceled.
type signalError struct{ signal os.Signal }

func (e *signalError) Error() string { return "signal: " + e.signal.String() }

// CancelOnSignal cancels a context at the first signal that ends a command, see [Signaled]. If once
// is true, the next signal ends the program at once; otherwise it does nothing.
func CancelOnSignal(cancel context.CancelCauseFunc, once bool) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, endSignals()...)
	go func() { // ends with the program
		received := <-signals
		if once {
			signal.Stop(signals)
		}
		cancel(&signalError{received})
	}()
}

// endSignals returns the signals that end a command. SIGHUP is ignored under nohup.
func endSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// Signaled reports whether a signal canceled ctx, and returns the exit status by which a shell
// reports a program that the signal ended; 0 if the system has no numbers of signals.
func Signaled(ctx context.Context) (status int, ok bool) {
	var cause *signalError
	if !errors.As(context.Cause(ctx), &cause) {
		return 0, false
	}
	if number, ok := cause.signal.(syscall.Signal); ok {
		return 128 + int(number), true
	}
	return 0, true
}
