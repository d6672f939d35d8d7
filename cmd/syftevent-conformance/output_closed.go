package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
)

var errOutputClosed = errors.New("output closed")

// discardSIGPIPE lets every write to a closed pipe return EPIPE and do no more.
//
// SIGPIPE does not say which pipe was closed, so it must not end a run: it may be the
// input of a server that the run has killed. The signal is caught instead of ignored,
// because the started programs would inherit that.
func discardSIGPIPE() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}

// An endingOutput is an output of the program. It cancels the context of a run when its
// reader has gone.
type endingOutput struct {
	io.Writer
	cancel context.CancelCauseFunc
}

func (o endingOutput) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		o.cancel(errOutputClosed)
	}
	return n, err
}
