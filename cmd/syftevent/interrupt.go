package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
)

// errInterrupted is returned by a command that was interrupted before it was done.
var errInterrupted = errors.New("interrupted")

// interruptedStatus returns the exit status of a command that was interrupted.
func interruptedStatus(ctx context.Context) int {
	status, _ := cmdline.Signaled(ctx)
	return cmp.Or(status, exitInterrupted)
}
